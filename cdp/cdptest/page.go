package cdptest

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
)

// How many of the newest events and refusals the page shows, and how many bytes of an ext
// value.
const (
	shownEvents   = 200
	shownRefusals = 20
	shownValue    = 200
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"count": count,
	"clip":  clip,
	"why":   Request.why,
	"value": func(v any) string { return clip(literal(v), shownValue) },
}).Parse(pageSource))

// pagePolicy allows the page its one style sheet and nothing else, because strangers sent what it
// shows.
var pagePolicy = func() string {
	_, rest, _ := strings.Cut(pageSource, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// row is one event on the page and in events.json.
type row struct {
	Time        time.Time      `json:"time"`
	Type        string         `json:"type"`
	Page        string         `json:"page"`
	BrowserID   string         `json:"browser_id"`
	PointOfSale string         `json:"pos"`
	Ext         map[string]any `json:"ext,omitempty"`
	UserAgent   string         `json:"user_agent"` // as agentKind names it
	Lost        bool           `json:"lost"`
	Ref         string         `json:"ref"`
}

// Kind tells goals from page views and from who somebody is: "goal", "view" or "identity".
func (r row) Kind() string {
	switch r.Type {
	case "VIEW":
		return "view"
	case "IDENTITY":
		return "identity"
	}
	return "goal"
}

// KindInWords is the same for people.
func (r row) KindInWords() string {
	return map[string]string{"view": "page view", "identity": "who somebody is", "goal": "goal"}[r.Kind()]
}

// ours are the names of attributes that goaltrack itself sends, beside what the goal is
// worth.
var ours = []string{"eventId", "occurredAt", "goalConfig", "late", "goalFrom"}

// Own are the attributes of the goal, and Ours those that tell programs more than people.
func (r row) Own() map[string]any { return r.only(false) }

// Ours are the others.
func (r row) Ours() map[string]any { return r.only(true) }

func (r row) only(wanted bool) map[string]any {
	some := map[string]any{}
	for name, v := range r.Ext {
		if slices.Contains(ours, name) == wanted {
			some[name] = v
		}
	}
	return some
}

// servePage serves the list of what arrived, the newest first, and reports whether the request
// was for it. GET / is a page for people, GET /events.json the same for programs.
func (c *CDP) servePage(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != "/" && r.URL.Path != "/events.json" {
		return false
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", pagePolicy)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		return true
	}
	var out bytes.Buffer // complete before the first byte is sent: a fault can still be a 500
	var err error
	if r.URL.Path == "/events.json" {
		h.Set("Content-Type", "application/json")
		err = json.NewEncoder(&out).Encode(c.rows())
	} else {
		h.Set("Content-Type", "text/html; charset=utf-8")
		err = pageTemplate.Execute(&out, c.pageData(r.URL.Query().Has("still")))
	}
	if err != nil {
		http.Error(w, "500 "+err.Error(), http.StatusInternalServerError)
		return true
	}
	_, _ = w.Write(out.Bytes())
	return true
}

// rows returns the newest events, the newest first. It never returns nil.
func (c *CDP) rows() []row {
	events := c.Events()
	rows := []row{}
	for _, e := range slices.Backward(events[max(0, len(events)-shownEvents):]) {
		rows = append(rows, row{
			Time: e.Time, Type: e.Type, Page: e.Page, BrowserID: e.BrowserID, PointOfSale: e.PointOfSale,
			Ext: e.Ext, UserAgent: agentKind(e.UserAgent), Lost: e.Lost, Ref: e.Ref,
		})
	}
	return rows
}

type pageData struct {
	Still    bool // the page does not refresh itself
	Total    int
	Lost     int // of those shown, as are Goals and Views
	Goals    int
	Views    int
	Made     int
	Rows     []row
	Refusals []Request // newest first
}

func (c *CDP) pageData(still bool) pageData {
	d := pageData{Still: still, Made: c.Made(), Rows: c.rows()}
	_, d.Total, _ = c.watch()
	for _, r := range d.Rows {
		if r.Lost {
			d.Lost++
		}
		switch r.Kind() {
		case "goal":
			d.Goals++
		case "view":
			d.Views++
		}
	}
	refused := c.refusedRequests()
	d.Refusals = refused[max(0, len(refused)-shownRefusals):]
	slices.Reverse(d.Refusals)
	for i := range d.Refusals {
		d.Refusals[i].URL, _, _ = strings.Cut(d.Refusals[i].URL, "?") // may hold a whole event
	}
	return d
}

// agentKind returns a User-Agent header in one word: "browser", "none", or the name of the first
// product in it (RFC 9110, section 10.1.5).
func agentKind(userAgent string) string {
	product, _, _ := strings.Cut(userAgent, " ")
	name, _, _ := strings.Cut(product, "/")
	switch name {
	case "":
		return "none"
	case "Mozilla":
		return "browser"
	default:
		return clip(name, 40)
	}
}
