package rule

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/selector"
	"github.com/goaltrack/goaltrack/internal/web"
)

// allowed refuses what must never leave a request, whatever the rules say: credentials by
// header, and the cookies by which visitors are known.
func (s *source) allowed() error {
	switch s.kind {
	case sourceHeader, sourceResponseHeader:
		s.name = textproto.CanonicalMIMEHeaderKey(s.name)
		switch {
		case slices.Contains(forbiddenHeaders, s.name):
			return fmt.Errorf("the header %s holds credentials and is never read", s.name)
		case !web.ValidToken(s.name):
			return fmt.Errorf("%q is not the name of a header", s.name)
		case s.name == "Host" && s.kind == sourceHeader:
			return &advice{"the host is no header to net/http", "if: { host: www.example.com }"}
		}
	case sourceCookie:
		switch {
		case !web.ValidToken(s.name):
			return fmt.Errorf("%q is not the name of a cookie", s.name)
		case isOwnCookie(s.name):
			return fmt.Errorf("the cookie %s is one of goaltrack's or Sitecore's own and is never read", s.name)
		}
	case sourceElement:
		if !selector.IsName(s.name) {
			return &advice{fmt.Sprintf("%q is not made of letters, digits, - and _", s.name), "element.plan is the attribute data-goal-plan of the element"}
		}
	case sourceEvent:
		if slices.Contains(eventIdentity, strings.ToLower(s.name)) {
			return fmt.Errorf("%s says who the visitor is or where the event goes, and is never read", s.name)
		}
	default: // any name will do
	}
	return nil
}

// eventIdentity are the fields of an event that Sitecore's scripts send about the visitor,
// and by which they are allowed to send it (doc.sitecore.com, "Event object" and "IDENTITY
// event"). They are in small letters.
var eventIdentity = []string{
	"browser_id", "city", "client_key", "country", "customer_ref", "dob", "email", "firstname", "gender", "guest_ref", "identifiers", "lastname", "mobile",
	"nationality", "passportexpiry", "passportnumber", "phone", "postalcode", "sitecorecontextid", "state", "street",
}

var forbiddenHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}

// isOwnCookie recognises the cookies with the browser ID, also of former names, those
// of visits and of those who opted out, and Sitecore's others.
func isOwnCookie(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"gt_", "bid_", "sc_", "website#sc_"}, func(own string) bool { return strings.HasPrefix(name, own) })
}

// permits refuses a field whose name says that it is secret, unless allow: names it, and
// a cookie that cookies: does not name.
func (g *goal) permits(s *source) error {
	switch s.kind {
	case sourceForm, sourceJSON, sourceQuery, sourceHeader, sourceResponseHeader, sourceResponseJSON, sourceCookie, sourceElement, sourceEvent:
	case sourceLiteral, sourcePath, sourceRedirect, sourceApp, sourceUTM, sourceReferrer, sourceFirst: // who writes the rule or the application names it
		return nil
	case sourceWholePath, sourceHost, sourceRoute, sourceResponseType: // without a name
		return nil
	}
	if w := s.secretWord(); w != "" {
		if !slices.ContainsFunc(g.Allow, func(name string) bool { return strings.EqualFold(name, s.name) }) {
			return &advice{fmt.Sprintf("%q looks like a secret (%s) and is never read", s.name, w), "if it is none, write at the top of the file: " + listLine("allow", g.Allow, s.name)}
		}
		g.overruled = append(g.overruled, s.name)
	}
	if s.kind == sourceCookie && !slices.Contains(g.Cookies, s.name) {
		hint := "write at the top of the file: " + listLine("cookies", g.Cookies, s.name)
		if near := nearest(s.name, g.Cookies); near != "" {
			hint = "did you mean " + near + "? Else " + hint
		}
		return &advice{fmt.Sprintf("the cookie %s is not among those that rules may read", s.name), hint}
	}
	return nil
}

// listLine is a line of the file with one more name.
func listLine(key string, names []string, more string) string {
	return key + ": [" + strings.Join(append(slices.Clone(names), more), ", ") + "]"
}

// secretWord returns the word of the source's name that says it is a secret, or "".
func (s *source) secretWord() string {
	if w := secretWord(s.name); w != "" {
		return w
	}
	list := words(plainLetters(s.name))
	switch whole := strings.Join(list, ""); {
	case s.kind == sourceQuery && querySecrets[whole]:
		return whole
	case s.kind == sourceCookie:
		return oneOf(cookieSecrets, list)
	}
	return ""
}

// lintPermits warns of names of cookies: and allow: that no goal needs. The keys are
// those of defaults, which the whole file shares.
func (s *Set) lintPermits(d *Defaults, f *faults) {
	f.goal, f.name = -1, ""
	read, overruled := map[string]bool{}, map[string]bool{}
	for _, g := range s.goals {
		for _, name := range g.cookies {
			read[name] = true
		}
		for _, name := range g.overruled {
			overruled[strings.ToLower(name)] = true
		}
	}
	for i, name := range d.Cookies {
		if !read[name] {
			f.warn(fmt.Sprint("cookies.", i), "no goal reads the cookie "+name, "leave it out")
		}
	}
	for i, name := range d.Allow {
		if !overruled[strings.ToLower(name)] {
			f.warn(fmt.Sprint("allow.", i), "allow: "+name+" overrules nothing", "leave it out, or look at how the rules write the name")
		}
	}
}
