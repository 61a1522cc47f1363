package browser

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Form is a form of a page.
type Form struct {
	Action string // target
	Method string // upper case
	Values url.Values
	Hidden []string // names of the hidden fields
	names  []string // of all fields
	press  bool     // there was a button
	boxes  map[string]string
}

// Has reports whether there is a field of that name.
func (f *Form) Has(name string) bool { return slices.Contains(f.names, name) }

// Checkbox returns what the checkbox of that name sends if it is checked.
func (f *Form) Checkbox(name string) string {
	if value, ok := f.boxes[name]; ok {
		return value
	}
	return "on"
}

// Clone returns a copy.
func (f *Form) Clone() *Form {
	c := *f
	c.Values = url.Values{}
	for name, values := range f.Values {
		c.Values[name] = slices.Clone(values)
	}
	return &c
}

// Page is an answer, read as HTML.
type Page struct {
	Answer *Answer
	Forms  []*Form
	Meta   map[string]string // by name; http-equiv as well
	Links  []string          // what the a elements lead to
}

// ReadPage reads an answer as HTML, as a browser would: there is no answer that it cannot read.
func ReadPage(a *Answer) *Page {
	p := &Page{Answer: a, Meta: map[string]string{}}
	root, err := html.Parse(strings.NewReader(a.Body))
	if err != nil {
		return p
	}
	r := &reader{page: p}
	r.walk(root, nil)
	r.late()
	return p
}

// Form returns the first form in which all these fields are, or nil.
func (p *Page) Form(fields ...string) *Form {
	for _, f := range p.Forms {
		if !slices.ContainsFunc(fields, func(name string) bool { return name != "" && !f.Has(name) }) {
			return f
		}
	}
	return nil
}

// FormTo returns the first form which is sent to that path by POST, or nil.
func (p *Page) FormTo(path string) *Form {
	for _, f := range p.Forms {
		if to, _, _ := strings.Cut(f.Action, "?"); to == path && f.Method == "POST" {
			return f
		}
	}
	return nil
}

type reader struct {
	page  *Page
	byID  map[string]*Form
	loose []*html.Node // fields that name their form
}

func (r *reader) walk(n *html.Node, form *Form) {
	if n.Type == html.ElementNode {
		switch n.DataAtom {
		case atom.Form:
			form = r.form(n)
		case atom.Meta:
			r.page.Meta[strings.ToLower(attr(n, "name")+attr(n, "http-equiv"))] = attr(n, "content")
		case atom.A:
			r.page.Links = append(r.page.Links, attr(n, "href"))
		case atom.Input, atom.Button, atom.Select, atom.Textarea:
			if attr(n, "form") != "" {
				r.loose = append(r.loose, n)
			} else if form != nil {
				form.field(n)
			}
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		r.walk(c, form)
	}
}

// late adds the fields that are not inside of their form.
func (r *reader) late() {
	for _, n := range r.loose {
		if f := r.byID[attr(n, "form")]; f != nil {
			f.field(n)
		}
	}
}

func (r *reader) form(n *html.Node) *Form {
	f := &Form{Method: strings.ToUpper(attr(n, "method")), Values: url.Values{}}
	if f.Method != "POST" {
		f.Method = "GET"
	}
	f.Action = r.page.Answer.URL.RequestURI()
	if action := strings.TrimSpace(attr(n, "action")); action != "" {
		if u, err := r.page.Answer.URL.Parse(action); err == nil {
			f.Action = u.RequestURI()
			if u.Host != r.page.Answer.URL.Host {
				f.Action = u.String() // which nobody will follow
			}
		}
	}
	if r.byID == nil {
		r.byID = map[string]*Form{}
	}
	if id := attr(n, "id"); id != "" {
		r.byID[id] = f
	}
	r.page.Forms = append(r.page.Forms, f)
	return f
}

// field adds what a field sends if nobody touches it. Of buttons the first one is pressed.
func (f *Form) field(n *html.Node) {
	name := attr(n, "name")
	if name == "" || has(n, "disabled") {
		return
	}
	kind := strings.ToLower(attr(n, "type"))
	button := n.DataAtom == atom.Button && (kind == "" || kind == "submit") || kind == "submit" || kind == "image"
	f.names = append(f.names, name)
	switch {
	case kind == "button" || kind == "reset":
	case button:
		if !f.press {
			f.press = true
			f.Values.Add(name, attr(n, "value"))
		}
	case kind == "checkbox" || kind == "radio":
		if f.boxes == nil {
			f.boxes = map[string]string{}
		}
		if _, ok := f.boxes[name]; !ok {
			f.boxes[name] = checkedValue(n)
		}
		if has(n, "checked") {
			f.Values.Add(name, checkedValue(n))
		}
	case n.DataAtom == atom.Select:
		f.Values.Add(name, selected(n))
	case n.DataAtom == atom.Textarea:
		f.Values.Add(name, text(n))
	case kind != "file" && kind != "password":
		f.Values.Add(name, attr(n, "value"))
		if kind == "hidden" {
			f.Hidden = append(f.Hidden, name)
		}
	}
}

func checkedValue(n *html.Node) string {
	if has(n, "value") {
		return attr(n, "value")
	}
	return "on"
}

func selected(n *html.Node) (value string) {
	first := true
	for o := range n.Descendants() {
		if o.DataAtom != atom.Option {
			continue
		}
		v := attr(o, "value")
		if !has(o, "value") {
			v = text(o)
		}
		if first || has(o, "selected") {
			value, first = v, false
		}
	}
	return value
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Namespace == "" && a.Key == name })
}

// Title returns the title of the page, in one line.
func (p *Page) Title() string {
	root, err := html.Parse(strings.NewReader(p.Answer.Body))
	if err != nil {
		return ""
	}
	for n := range root.Descendants() {
		if n.DataAtom == atom.Title {
			return strings.Join(strings.Fields(text(n)), " ")
		}
	}
	return ""
}
