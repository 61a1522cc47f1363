package smtpmail

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// server is what a URL says of one.
type server struct {
	host, port     string
	implicit       bool // TLS from the first byte
	user, password string
}

// parseServer reads a Config.Server. Its errors repeat nothing of it: what is wrong with a URL may
// well be a password that is not encoded, and then any part of it can be in any place.
func parseServer(s string) (server, error) {
	u, err := url.Parse(s)
	if err != nil {
		return server{}, errors.New("is no URL; is the password percent-encoded?")
	}
	if u.Scheme != "smtp" && u.Scheme != "smtps" {
		return server{}, errors.New("does not begin with smtp:// or smtps://")
	}
	if u.Hostname() == "" || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return server{}, errors.New("is not smtp://user:password@host:port and no more; is the password percent-encoded?")
	}
	password, _ := u.User.Password()
	parsed := server{u.Hostname(), u.Port(), u.Scheme == "smtps", u.User.Username(), password}
	return parsed, parsed.check()
}

// check completes s.
func (s *server) check() error {
	if s.port == "" {
		s.port = "587"
		if s.implicit {
			s.port = "465"
		}
	}
	if n, err := strconv.ParseUint(s.port, 10, 16); err != nil || n == 0 {
		return errors.New("has a port that is not between 1 and 65535")
	}
	if (s.user == "") != (s.password == "") {
		return errors.New("has one of user and password, without the other")
	}
	if strings.Contains(s.user+s.password, "\x00") { // which is what AUTH PLAIN puts between them
		return errors.New("has a NUL in its user or password")
	}
	return nil
}

func (s *server) address() string { return net.JoinHostPort(s.host, s.port) }

// isHere reports whether the server is on this machine. Names other than localhost may be answered
// by somebody else's name server.
func (s *server) isHere() bool {
	ip := net.ParseIP(s.host)
	return strings.EqualFold(s.host, "localhost") || ip != nil && ip.IsLoopback()
}
