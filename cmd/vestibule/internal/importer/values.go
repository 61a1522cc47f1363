package importer

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// layouts are how dates are written by Python, JSON, and the shells of the databases. Without a zone they are UTC.
var layouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05Z07",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04:05 UTC",
	"2006-01-02 15:04:05 -0700 MST",
	"2006-01-02 15:04",
	"2006-01-02",
}

var (
	errDate = errors.New("is no date that can be read, such as 2024-05-01 12:30:00")
	errWhen = errors.New("is a date before 1990 or after today")
	errFlag = errors.New("is neither true nor false")
)

// date reads a date, or the seconds, milliseconds or microseconds since 1970. The empty string is the zero time.
func date(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" || null(s) {
		return time.Time{}, nil
	}
	t, err := instant(s)
	switch {
	case err != nil:
		return time.Time{}, err
	case t.Year() < 1990 || t.After(now.Add(24*time.Hour)): // somebody's clock, or a zone that was left out
		return time.Time{}, errWhen
	case t.After(now):
		return now, nil
	}
	return t.UTC(), nil
}

func null(s string) bool {
	return strings.EqualFold(s, "null") || strings.EqualFold(s, "none") || s == `\N`
}

func instant(s string) (time.Time, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return sinceEpoch(n)
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errDate
}

// sinceEpoch tells the units apart by their size: from 1990 to 2033 seconds have nine or ten digits.
func sinceEpoch(n int64) (time.Time, error) {
	switch digits := len(strconv.FormatInt(n, 10)); {
	case n < 0:
	case digits == 9 || digits == 10:
		return time.Unix(n, 0), nil
	case digits == 12 || digits == 13:
		return time.UnixMilli(n), nil
	case digits == 15 || digits == 16:
		return time.UnixMicro(n), nil
	}
	return time.Time{}, errDate
}

// flag reads a truth. The empty string is none.
func flag(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "t", "true", "y", "yes", "on":
		return true, nil
	case "0", "f", "false", "n", "no", "off":
		return false, nil
	}
	return false, errFlag
}

// moment reads what may be a truth or a date: since when something holds. A truth without a date holds since
// then, and what is empty or false does not: the zero time.
func moment(s string, since, now time.Time) (time.Time, error) {
	switch yes, err := flag(s); {
	case err != nil:
		return date(s, now)
	case yes:
		return since, nil
	}
	return time.Time{}, nil
}
