package report

import (
	"encoding/xml"
	"io"
	"strings"

	"github.com/vestibule-go/auth/cmd/authcheck/internal/check"
)

type suite struct {
	XMLName  xml.Name `xml:"testsuite"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Cases    []testcase
}

type testcase struct {
	XMLName xml.Name `xml:"testcase"`
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Failure *message `xml:"failure"`
	Error   *message `xml:"error"`
	Skipped *message `xml:"skipped"`
}

type message struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a report that continuous integration shows. What was skipped although it should have run is an error.
func JUnit(w io.Writer, r *check.Report) error {
	n := Count(r)
	s := suite{Name: "authcheck", Tests: len(r.Results), Failures: n.Failed, Errors: n.Blocked, Skipped: n.Skipped - n.Blocked}
	for _, x := range r.Results {
		s.Cases = append(s.Cases, testcaseOf(&x))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func testcaseOf(x *check.Result) testcase {
	family, _, _ := strings.Cut(x.Check.ID, "-")
	c := testcase{Class: "authcheck." + family, Name: x.Check.ID}
	switch {
	case x.Status == check.Failed:
		c.Failure = &message{x.Check.Title, strings.Join(append(x.Evidence, "Do: "+x.Check.Fix, Source(x.Check.ASVS)), "\n")}
	case x.Blocked:
		c.Error = &message{Message: x.Reason}
	case x.Status == check.Skipped:
		c.Skipped = &message{Message: x.Reason}
	}
	return c
}
