package pages

import (
	"strings"

	"github.com/vestibule-go/auth/lang"
)

// Which browsers and systems there are, by what their User-Agent has in it. Many claim to be others
// as well, so the first that fits counts.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox", "Firefox"}, {"FxiOS", "Firefox"},
		{"CriOS", "Chrome"}, {"Chrome", "Chrome"}, {"Safari", "Safari"}, {"curl", "curl"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
		{"Mac OS X", "macOS"}, {"Linux", "Linux"},
	}
)

// describe says in words what a User-Agent claims to be.
func describe(l *lang.Language, agent string) string {
	browser, system := first(browsers, agent), first(systems, agent)
	switch {
	case browser != "" && system != "":
		return l.Text("sessions.on", "browser", browser, "system", system)
	case browser+system != "":
		return browser + system
	}
	return l.Text("sessions.unknown")
}

func first(list [][2]string, agent string) string {
	for _, entry := range list {
		if strings.Contains(agent, entry[0]) {
			return entry[1]
		}
	}
	return ""
}
