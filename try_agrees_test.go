package goaltrack

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/dice"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

var (
	agreeFiles = flag.Int("agree", 60, "how many rule files each seed of TestTryAgreesWithTheSite makes")
	agreeSeed  = flag.Uint64("agreeseed", 4, "the last seed of TestTryAgreesWithTheSite; 0: a random one")
)

// TestTryAgreesWithTheSite makes rule files and requests at random and sends
// each request to a live site. It compares what every goal made of the request,
// its value and its data, with what goaltrack try says of the same line.
// Because try looks at each goal alone, no goal can change what another counts.
// The seeds are the same in every run, so that a change fails for what it changes. For
// longer, with a new seed (0) or with one that failed:
//
//	go test -run TestTryAgreesWithTheSite -agree 10000 -agreeseed 0
func TestTryAgreesWithTheSite(t *testing.T) {
	lab := newAgreement(t)
	last := *agreeSeed
	if last == 0 {
		last = rand.Uint64()
	}
	t.Log("the last seed is", last)
	for _, seed := range []uint64{1, 2, 3, last} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			lab.T, lab.Dice = t, dice.Dice{Rand: rand.New(rand.NewPCG(seed, 0))}
			for file := 0; file < *agreeFiles && !t.Failed(); file++ {
				lab.file()
			}
		})
	}
	if lab.fired < lab.compared/100 || lab.refused > lab.files/4 {
		t.Errorf("of %d verdicts %d counted, of %d files %d were refused: too few to show anything", lab.compared, lab.fired, lab.files, lab.refused)
	}
	t.Logf("%d files, %d verdicts compared, %d counted", lab.files, lab.compared, lab.fired)
}

// agreement is a site whose tracker, request and answer change.
type agreement struct {
	*testing.T
	dice.Dice
	site     *httptest.Server
	client   *http.Client
	tracker  *Tracker
	events   []cdp.Event // sent for the request under way
	example  Example
	way      int           // how the body is read
	answered chan struct{} // the handler has returned

	files, refused, compared, fired int
}

func newAgreement(t *testing.T) *agreement {
	a := &agreement{T: t, answered: make(chan struct{}, 1)}
	a.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { a.answered <- struct{}{} }()
		switch a.way {
		case 0: // a middleware outside parses the form
			_ = r.FormValue("csrf")
		case 1: // or puts the body back
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(b))
		}
		a.tracker.Handler(http.HandlerFunc(a.handle)).ServeHTTP(w, r)
	}))
	t.Cleanup(a.site.Close)
	a.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(a.client.CloseIdleConnections)
	return a
}

// file makes a rule file and requests for it.
func (a *agreement) file() {
	a.files++
	text := a.Rules()
	rules, err := ParseRules([]byte(text))
	if err != nil {
		a.refused++
		return
	}
	a.tracker, err = New(Config{
		Sites: []Site{{CDP: cdp.Edge{ContextID: "ctx-1234", SiteName: "shop"}, Currency: "EUR", Channel: "auto", Language: "EN"}},
		Rules: rules, Logger: slog.New(slog.DiscardHandler), DryRun: true,
		BeforeSend: func(e *cdp.Event) bool { a.events = append(a.events, *e); return true },
	})
	if err != nil {
		a.Fatal(err)
	}
	defer func() { _, _ = a.tracker.Close(a.Context()) }()
	for range 12 {
		line := a.Line()
		if a.example, err = ParseExample(line); err != nil {
			a.Fatal(err)
		}
		if e := &a.example; e.JSON != "" && a.Chance(8) {
			e.JSON = a.Of(e.JSON[1:], e.JSON+" {}", "\ufeff "+e.JSON+"\n", "null", "[1]", strings.Repeat("[", 20_000))
			line += " with the JSON " + fmt.Sprintf("%.80q", e.JSON)
		}
		a.compare(rules, text, line)
	}
}

// handle is the application.
func (a *agreement) handle(w http.ResponseWriter, r *http.Request) {
	if a.way == 2 {
		_ = r.FormValue("topic")
	}
	_, _ = io.Copy(io.Discard, r.Body)
	for name, v := range a.example.App {
		if err := a.tracker.Set(r, name, v); err != nil {
			a.Error(err)
		}
	}
	if a.example.Confirmed {
		for _, name := range a.tracker.rules.Load().Names() {
			_ = a.tracker.Confirm(r, name)
		}
	}
	h := w.Header()
	maps.Copy(h, a.example.AnswerHeader)
	if a.example.Location != "" {
		h.Set("Location", a.example.Location)
	}
	contentType := a.contentType()
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	w.WriteHeader(a.example.Status)
	switch {
	case !scan.HasBody(a.example.Status):
	case a.example.AnswerJSON != "":
		a.write(w, a.example.AnswerJSON)
	case scan.KindOf(contentType) == scan.KindJSON:
		a.write(w, "{}")
	case contentType != "":
		a.write(w, "<!doctype html>")
	}
}

// contentType is the type that the site answers with.
func (a *agreement) contentType() string {
	e := &a.example
	switch page, _, _ := strings.Cut(e.Path, "?"); {
	case e.ContentType != "":
		return e.ContentType
	case e.AnswerJSON != "":
		return "application/json"
	case !scan.HasBody(e.Status) || web.IsRedirect(e.Status):
		return ""
	case path.Ext(page) == ".pdf":
		return "application/pdf"
	}
	return "text/html"
}

// write writes a body, compressed as the header says. What it cannot write it
// spoils.
func (a *agreement) write(w http.ResponseWriter, body string) {
	for name := range strings.SplitSeq(w.Header().Get("Content-Encoding"), ",") {
		var b bytes.Buffer
		var z io.WriteCloser
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "", "identity":
			continue
		case "gzip", "x-gzip":
			z = gzip.NewWriter(&b)
		case "deflate":
			z = zlib.NewWriter(&b)
		default:
			body = "\x0b" + body
			continue
		}
		_, err := io.WriteString(z, body)
		must(nil, errors.Join(err, z.Close()))
		body = b.String()
	}
	_, _ = io.WriteString(w, body)
}

// request is the example as a browser sends it.
func (a *agreement) request() *http.Request {
	e := &a.example
	text, contentType := e.JSON, "application/json"
	if text == "" {
		text, contentType = e.Form.Encode(), "application/x-www-form-urlencoded"
	}
	if said := e.Header.Get("Content-Type"); said != "" {
		contentType = said
	}
	if scan.KindOf(contentType) == scan.KindMultipart && text != "" {
		var b bytes.Buffer
		parts := multipart.NewWriter(&b)
		for name, values := range e.Form {
			for _, v := range values {
				must(nil, parts.WriteField(name, v))
			}
		}
		must(nil, parts.Close())
		text, contentType = b.String(), parts.FormDataContentType()
	}
	var body io.Reader = strings.NewReader(text)
	if text != "" && a.way != 0 && a.Chance(4) {
		body = struct{ io.Reader }{body} // in chunks, of which nobody knows whether all was parsed outside
	}
	req, err := http.NewRequestWithContext(a.Context(), e.Method, a.site.URL+e.Path, body)
	if err != nil {
		a.Fatal(err)
	}
	req.Header = e.Header.Clone()
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	req.Header.Set("Accept", "text/html")
	req.Header.Add("Cookie", "sc_cid="+oldID)
	if text != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Host = e.Host
	return req
}

// compare sends the example to the site and holds it against try.
func (a *agreement) compare(rules *Rules, text, line string) {
	a.way, a.events = a.IntN(5), nil
	before := a.counts(rules)
	res, err := a.client.Do(a.request())
	if err != nil {
		a.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	<-a.answered
	after := a.counts(rules)
	for i, v := range rules.Explain(a.example) {
		a.compared++
		site := "nothing"
		for f := range decisionFates {
			if after[i][f] != before[i][f] {
				site = f.String()
			}
		}
		g := rules.Goals()[i]
		said, met := v.Code.String(), site
		switch {
		case v.Fired && g.IsDraft():
			said = fateDraft.String()
		case v.Reason == "the goal is paused", strings.HasPrefix(v.Reason, "needs "), strings.HasPrefix(v.Reason, "the path "):
			said = "nothing"
		case !v.Fired && len(g.Paths()) > 1 && site != fired.String():
			said = met // which alternative came closest is a matter of taste
		}
		if v.Fired {
			a.fired++
			said += " " + fmt.Sprint(v.Value, v.Data)
			met += " " + a.sent(v.Goal)
		}
		if v.Fired && said == met && !g.IsDraft() {
			a.compareBodies(&v, text, line)
		}
		if said != met {
			a.Errorf("%s: the site says %s, try says %s (%s)\nthe body is read in way %d\n%s\ngoaltrack try rules.yaml '%s'", v.Goal, met, said, v.Reason, a.way, text, line)
		}
	}
}

// compareBodies holds the event that try shows against that of the site.
func (a *agreement) compareBodies(v *Verdict, text, line string) {
	g, x := v.Counted()
	page := g.Page(x, func(string) string { return "" })
	var shown cdp.Event
	r, valid := events.Of(&shown, g, x, page, a.tracker.sites[0].says, func(string) {})
	if r != rule.Fires || !valid {
		a.Errorf("%s: %s", v.Goal, r)
		return
	}
	for _, sent := range a.events {
		if sent.Type != v.Goal {
			continue
		}
		sent.BrowserID, sent.RequestedAt = "", time.Time{}
		if want, got := string(sent.AppendJSON(nil, nil)), string(shown.AppendJSON(nil, nil)); got != want {
			a.Errorf("%s: the site sends\n%s, try shows\n%s\n%s\ngoaltrack try rules.yaml '%s'", v.Goal, want, got, text, line)
		}
		return
	}
	a.Errorf("%s: the site sent no such event", v.Goal)
}

// counts are how the decisions about each goal ended so far.
func (a *agreement) counts(rules *Rules) (all [][decisionFates]uint64) {
	for _, name := range rules.Names() {
		var c [decisionFates]uint64
		t := (*a.tracker.ledger.goals.Load())[name]
		for f := range c {
			c[f] = t.counts[f].Load()
		}
		all = append(all, c)
	}
	return all
}

// sent is the value and the data of a goal's event.
func (a *agreement) sent(goal string) string {
	for _, e := range a.events {
		if e.Type == goal {
			var value any
			data := map[string]any{}
			for _, attr := range e.Ext {
				switch attr.Name {
				case ext.GoalValue:
					value = attr.Value
				case ext.GoalCurrency:
				default:
					data[attr.Name] = attr.Value
				}
			}
			return fmt.Sprint(value, data)
		}
	}
	return "no event"
}

func must(_ any, err error) {
	if err != nil {
		panic(err)
	}
}
