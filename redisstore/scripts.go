package redisstore

import "github.com/redis/go-redis/v9"

// The first two arguments of every script are the prefix and the time of the caller, in microseconds. The name
// of a user's list is known only once the session has been read, so no keys are declared.
const common = `
local prefix, now = ARGV[1], tonumber(ARGV[2])
local hour = 3600000000

local function key(id) return prefix .. 's:' .. id end

-- read returns what is kept of a session, or nil. See encode.
local function read(id)
	local value = redis.call('GET', key(id))
	if not value or value:byte() ~= 1 then
		return nil
	end
	local ok, _, expires, _, _, user, _, _, data = pcall(struct.unpack, '>Bi8i8i8I4c0I4c0I4c0', value)
	if not ok then
		return nil
	end
	return {value = value, user = user, data = data, live = expires > now}
end

-- list puts a session on the list of its user, or takes it off if it does not say when it expires. The list
-- goes when the last on it does. Of what has expired it forgets what did so an hour ago, as clocks differ.
local function list(user, id, expires)
	if user == '' then
		return
	end
	local ids = prefix .. 'u:' .. user
	if expires then
		redis.call('ZADD', ids, expires, id)
	else
		redis.call('ZREM', ids, id)
	end
	redis.call('ZREMRANGEBYSCORE', ids, '-inf', now - hour)
	local last = redis.call('ZREVRANGE', ids, 0, 0, 'WITHSCORES')[2]
	if last then
		redis.call('PEXPIRE', ids, math.ceil((last - now + hour) / 1000))
	end
end

-- Of what adds, the list comes first: if Redis is full it refuses that, and nothing has changed.
local function keep(id, user, value, expires)
	list(user, id, expires)
	redis.call('SET', key(id), value, 'PX', math.ceil((expires - now) / 1000))
end

local function drop(id, session)
	redis.call('DEL', key(id))
	if session then
		list(session.user, id)
	end
end
`

var create = redis.NewScript(common + `
local id, user, expires, value, replaces = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local there, old = read(id), nil
if replaces ~= '' then
	old = read(replaces)
	if not old or not old.live then
		return 'gone'
	end
end
if there and there.live and id ~= replaces then
	return 'taken'
end
if there then
	drop(id, there)
end
if tonumber(expires) > now then
	keep(id, user, value, expires)
end
if old and id ~= replaces then
	drop(replaces, old)
end
return 'ok'
`)

// The data is missing if it does not change.
var update = redis.NewScript(common + `
local id, times, expires, data = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local session = read(id)
if not session or not session.live then
	return 'gone'
end
if tonumber(expires) <= now then
	drop(id, session)
	return 'ok'
end
local value = session.value
local middle = value:sub(2 + #times, session.data - 1)
keep(id, session.user, value:sub(1, 1) .. times .. middle .. (data or value:sub(session.data)), expires)
return 'ok'
`)

var remove = redis.NewScript(common + `
drop(ARGV[3], read(ARGV[3]))
return 'ok'
`)

// An ID stays on the list when its session expires, and might be another user's by now.
var list = redis.NewScript(common + `
local user, found = ARGV[3], {}
for _, id in ipairs(redis.call('ZRANGE', prefix .. 'u:' .. user, 0, -1)) do
	local session = read(id)
	if session and session.live and session.user == user then
		table.insert(found, id)
		table.insert(found, session.value)
	end
end
return found
`)

var removeAll = redis.NewScript(common + `
local user, except, n = ARGV[3], ARGV[4], 0
for _, id in ipairs(redis.call('ZRANGE', prefix .. 'u:' .. user, 0, -1)) do
	local session = read(id)
	if id ~= except and session and session.live and session.user == user then
		drop(id, session)
		n = n + 1
	end
end
return n
`)
