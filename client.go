package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientAddress returns the address of the client: the one of the connection or,
// if that is a trusted proxy's, the last in X-Forwarded-For that is not.
func (m *Manager) clientAddress(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := peer.Addr().Unmap().WithZone("")
	if !m.trusts(addr) {
		return addr.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && m.trusts(addr); i-- {
		next, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		addr = next
	}
	return addr.String()
}

// parseHop reads what proxies write: an address, in some of them with a port.
func parseHop(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return a, false
		}
		a = withPort.Addr()
	}
	return a.Unmap().WithZone(""), true
}

func (m *Manager) trusts(a netip.Addr) bool {
	for _, p := range m.cfg.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// maxAgent is how much of a User-Agent is kept, in bytes; common ones are half that long.
const maxAgent = 300

// clientAgent returns the User-Agent of the client, as much of it as is worth to be kept.
func clientAgent(r *http.Request) string {
	agent := r.UserAgent()
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	return strings.ToValidUTF8(agent, "\uFFFD")
}
