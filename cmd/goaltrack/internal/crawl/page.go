package crawl

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// link is one on a page.
type link struct {
	to       *url.URL
	text     string
	nofollow bool
}

// page is what is on one.
type page struct {
	forms    []Form
	links    []link
	nofollow bool // a robot is asked to follow nothing

	base *url.URL
	on   *url.URL
	form *Form
	text bool // what follows is the text of the last link
}

// maxOnPage bounds the links and forms of a page.
const maxOnPage = 2000

// read reads a page up to where it can be read.
func read(r io.Reader, at *url.URL) *page {
	p := &page{base: at, on: at}
	for z := html.NewTokenizer(r); len(p.links)+len(p.forms) < maxOnPage; {
		switch z.Next() {
		case html.ErrorToken:
			p.endForm() // a form that is not closed ends here
			return p
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			attributes := map[string]string{}
			for _, a := range t.Attr {
				if _, twice := attributes[a.Key]; !twice {
					attributes[a.Key] = strings.TrimSpace(a.Val)
				}
			}
			p.tag(t.Data, attributes)
		case html.TextToken:
			if n := len(p.links); p.text && n > 0 && len(p.links[n-1].text) < 100 {
				p.links[n-1].text = strings.TrimSpace(p.links[n-1].text + " " + strings.Join(strings.Fields(string(z.Text())), " "))
			}
		case html.EndTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "form":
				p.endForm()
			case "a":
				p.text = false
			}
		case html.CommentToken, html.DoctypeToken:
		}
	}
	p.endForm()
	return p
}

func (p *page) tag(name string, a map[string]string) {
	switch name {
	case "base":
		if u := p.resolve(a["href"]); u != nil {
			p.base = u
		}
	case "meta":
		if strings.EqualFold(a["name"], "robots") && strings.Contains(strings.ToLower(a["content"]), "nofollow") {
			p.nofollow = true
		}
	case "a":
		if u := p.resolve(a["href"]); u != nil && a["href"] != "" {
			_, download := a["download"]
			p.links = append(p.links, link{u, "", download || slices.Contains(strings.Fields(strings.ToLower(a["rel"])), "nofollow")})
			p.text = true
		}
	case "form":
		p.beginForm(a)
	case "input", "select", "textarea", "button":
		p.field(name, a)
	}
}

// resolve is an address on the page, nil if it is none of the web.
func (p *page) resolve(to string) *url.URL {
	u, err := p.base.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u
}

func (p *page) beginForm(a map[string]string) {
	if p.form != nil {
		return // a form is not inside another
	}
	to := p.on
	if a["action"] != "" {
		to = p.resolve(a["action"])
	}
	method := strings.ToUpper(a["method"])
	if method != http.MethodPost {
		method = http.MethodGet // which is what browsers take for anything else
	}
	if to == nil || strings.EqualFold(a["method"], "dialog") {
		return
	}
	name := a["aria-label"]
	for _, key := range []string{"name", "id"} {
		if name == "" {
			name = a[key]
		}
	}
	p.form = &Form{On: p.on.Path, Path: to.Path, Host: to.Host, Method: method, Name: name}
}

// searches are names of fields for words to search for.
var searches = []string{"q", "query", "s", "search", "searchterm", "term", "suche", "suchbegriff", "keyword", "keywords"}

func (p *page) field(tag string, a map[string]string) {
	if p.form == nil || a["name"] == "" || len(p.form.Fields) >= 100 {
		return
	}
	kind := strings.ToLower(a["type"])
	switch {
	case tag == "input" && kind == "password":
		p.form.Password = true
	case tag == "button" || kind == "submit" || kind == "hidden" || kind == "button" || kind == "image" || kind == "reset":
		return
	}
	if p.form.Search == "" && (kind == "search" || slices.Contains(searches, strings.ToLower(a["name"]))) {
		p.form.Search = a["name"]
	}
	if !slices.Contains(p.form.Fields, a["name"]) {
		p.form.Fields = append(p.form.Fields, a["name"])
	}
}

func (p *page) endForm() {
	if p.form != nil {
		p.forms, p.form = append(p.forms, *p.form), nil
	}
}
