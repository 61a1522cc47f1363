// The accounts of the application, for scripts of its own pages.

let token = "" // for the next request that changes something
let user = null // who is logged in, as far as is known

// call sends one request. The browser adds the cookies, and says where the script is from.
async function call(method, path, fields) {
	const init = {method, headers: {Accept: "application/json"}}
	if (method !== "GET") {
		init.headers["X-CSRF-Token"] = token
		init.headers["Content-Type"] = "application/json"
		init.body = JSON.stringify(fields ?? {})
	}
	const answer = await fetch(path, init)
	const body = await answer.json()
	if (body.csrf_token) {
		token = body.csrf_token
		user = body.user
	}
	return {status: answer.status, body, retryAfter: Number(answer.headers.get("Retry-After"))}
}

// session tells who is logged in, and what a login that is pending still lacks.
export async function session() {
	return (await call("GET", "/session")).body
}

// send is for what changes something: send("/login", {email, password, remember: true}).
export async function send(path, fields) {
	if (token === "") await session()
	const before = user?.id
	let answer = await call("POST", path, fields)
	if (answer.body.code === "csrf_refused") { // another tab has logged in or out since
		await session()
		if (user?.id === before) answer = await call("POST", path, fields)
	} else if (answer.status === 401) { // the token is another one now
		await session()
	}
	return answer
}

// faults returns what is wrong with each field of a form, in words; "" is the form as a whole.
export function faults(answer) {
	const list = answer.body.errors ?? (answer.status >= 400 ? [{field: "", message: answer.body.detail}] : [])
	return Object.fromEntries(list.map(e => [e.field, e.message]))
}
