package test

import (
	"bytes"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

const outsideRules = `
version: 1
goals:
  - { goal: TOPIC_SENT, submit: /form, data: { topic: $form.topic } }
  - { goal: SALES_ASKED, submit: /form, if: { form.topic: sales } }
  - { goal: NO_TRAP, submit: /form, unless: { form.website: present } }
  - { goal: NEWSLETTER, submit: { path: /form, form: newsletter } }
  - { goal: ANY_SENT, submit: /form }
  - { goal: PLAN_CHOSEN, submit: /form, if: { json.plan: pro } }
`

// readsOutside are the ways in which a middleware outside of goaltrack deals
// with a body, and what is known of the form then. All of it is known if the
// handler reads the body (rest), or because the form was parsed (parsed). Or
// nothing is known, which shows at once (gone) or when the handler meets the
// end of the body (end).
var readsOutside = []struct {
	name, known string
	read        func(http.ResponseWriter, *http.Request)
}{
	{"nothing", "rest", func(http.ResponseWriter, *http.Request) {}},
	// gorilla/csrf, nosurf, handlers.HTTPMethodOverrideHandler
	{"FormValue", "parsed", func(_ http.ResponseWriter, r *http.Request) { _ = r.FormValue("csrf") }},
	{"PostFormValue", "parsed", func(_ http.ResponseWriter, r *http.Request) { _ = r.PostFormValue("csrf") }},
	{"FormValue, MultipartForm dropped", "parsed", func(_ http.ResponseWriter, r *http.Request) { _ = r.FormValue("csrf"); r.MultipartForm = nil }},
	{"FormValue, NoBody", "parsed", func(_ http.ResponseWriter, r *http.Request) { _ = r.FormValue("csrf"); r.Body = http.NoBody }},
	{"FormValue, NoBody, length 0", "parsed", func(_ http.ResponseWriter, r *http.Request) {
		_ = r.FormValue("csrf")
		r.Body, r.ContentLength = http.NoBody, 0
	}},
	{"read and put back", "rest", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(b))
	}},
	{"read, put back and parsed", "parsed", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(b))
		_ = r.FormValue("csrf")
		r.Body = io.NopCloser(bytes.NewReader(b))
	}},
	{"parsed on a copy", "end", func(_ http.ResponseWriter, r *http.Request) { _ = r.Clone(r.Context()).FormValue("csrf") }},
	{"read", "end", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body) }},
	{"read, NoBody", "gone", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body); r.Body = http.NoBody }},
	{"read, nil", "gone", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body); r.Body = nil }},
	{"read, NoBody, length 0", "gone", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		r.Body, r.ContentLength = http.NoBody, 0
	}},
}

// handlersBehind are what handlers do with a body.
var handlersBehind = []struct {
	name  string
	reads bool // to the body's end
	read  func(*http.Request)
}{
	{"FormValue", false, func(r *http.Request) { _ = r.FormValue("topic") }},
	{"io.Copy", true, func(r *http.Request) {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
	}},
	{"nothing", false, func(*http.Request) {}},
}

// outsideForms make the bodies of a form.
var outsideForms = map[string]func(fields ...string) (contentType, body string){
	"urlencoded": func(fields ...string) (string, string) {
		var pairs []string
		for i := 0; i < len(fields); i += 2 {
			pairs = append(pairs, url.QueryEscape(fields[i])+"="+url.QueryEscape(fields[i+1]))
		}
		return "application/x-www-form-urlencoded", strings.Join(pairs, "&")
	},
	"multipart": func(fields ...string) (string, string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for i := 0; i < len(fields); i += 2 {
			_ = w.WriteField(fields[i], fields[i+1])
		}
		_ = w.Close()
		return w.FormDataContentType(), b.String()
	},
}

// outsideWorld is a site whose body is read by a middleware outside of the
// tracker, and by a handler inside.
func outsideWorld(t *testing.T, http2 bool, outside func(http.ResponseWriter, *http.Request), site http.Handler) *world.World {
	t.Helper()
	return world.Setup{Rules: outsideRules, HTTP2: http2, Mount: func(tracker *goaltrack.Tracker) http.Handler {
		inside := tracker.Handler(site)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			outside(w, r)
			inside.ServeHTTP(w, r)
		})
	}}.Start(t)
}

// reading is a handler that reads the body and accepts the form.
func reading(read func(*http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read(r)
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
}

// sendBody sends a body, without its length if it is to be chunked.
func sendBody(v *world.Visitor, contentType, body string, chunked bool) *http.Response {
	v.World.Helper()
	var rd io.Reader = strings.NewReader(body)
	if chunked {
		rd = struct{ io.Reader }{rd}
	}
	return v.Send(v.Request(http.MethodPost, "/form", rd, "Content-Type", contentType))
}

// TestFormReadOutside lets a middleware outside of goaltrack do something with
// the body, and the handler inside with what is left. The form counts with its
// fields or not at all, with a named reason. A form that a trap has caught
// never counts.
func TestFormReadOutside(t *testing.T) {
	t.Parallel()
	var spam, genuine []string
	for _, f := range [][2]string{{"csrf", "0123456789abcdef"}, {"topic", "sales"}, {"website", ""}, {"form", "newsletter"}} {
		genuine = append(genuine, f[:]...)
		if f[0] == "website" {
			f[1] = "https://spam.example/"
		}
		spam = append(spam, f[:]...)
	}
	for kind, form := range outsideForms {
		for _, out := range readsOutside {
			for _, h := range handlersBehind {
				for _, protocol := range []string{"HTTP/1.1", "chunked", "HTTP/2"} {
					t.Run(kind+"/"+out.name+"/"+h.name+"/"+protocol, func(t *testing.T) {
						why := ""
						switch {
						case out.known == "gone", out.known == "end" && h.name != "nothing":
							why = "form_read_outside 1"
						case out.known != "parsed" && h.name == "nothing":
							why = "form_unread 1"
						}
						for _, isSpam := range []bool{false, true} {
							fields, trap := genuine, "fired 1"
							if isSpam {
								fields, trap = spam, "condition 1"
							}
							w := outsideWorld(t, protocol == "HTTP/2", out.read, reading(h.read))
							contentType, body := form(fields...)
							sendBody(w.Visitor().Meet(), contentType, body, protocol == "chunked")
							w.Done()
							for goal, want := range map[string]string{
								"TOPIC_SENT": "fired 1", "SALES_ASKED": "fired 1", "NEWSLETTER": "fired 1", "NO_TRAP": trap,
								"ANY_SENT": "fired 1", "PLAN_CHOSEN": "condition 1",
							} {
								if goal == "TOPIC_SENT" && why == "form_read_outside 1" {
									want = "fired 1" // without the topic
								} else if why != "" && goal != "ANY_SENT" && goal != "PLAN_CHOSEN" {
									want = why
								}
								if got := w.Fates(goal); got != want {
									t.Errorf("spam %v: %s: %s, want %s", isSpam, goal, got, want)
								}
							}
							if why == "" {
								w.CDP.Expect(t, "TOPIC_SENT").With("topic", "sales").Once()
							}
						}
					})
				}
			}
		}
	}
}

// TestJSONReadOutside: there is nowhere else to take JSON from.
func TestJSONReadOutside(t *testing.T) {
	t.Parallel()
	for _, out := range readsOutside {
		for _, h := range handlersBehind {
			for _, chunked := range []bool{false, true} {
				want := "form_read_outside 1"
				switch {
				case out.known == "gone" || strings.Contains(out.name, "NoBody"):
				case h.name != "io.Copy":
					want = "form_unread 1" // FormValue reads no JSON
				case out.name != "read":
					want = "fired 1"
				}
				w := outsideWorld(t, false, out.read, reading(h.read))
				sendBody(w.Visitor().Meet(), "application/json", `{"plan":"pro"}`, chunked)
				w.Done()
				if got := w.Fates("PLAN_CHOSEN"); got != want {
					t.Errorf("%s, then %s, chunked %v: %s, want %s", out.name, h.name, chunked, got, want)
				}
			}
		}
	}
}

// TestPartReadOutside: of a form that was read in part, what is there counts if
// net/http says so, and nothing is absent.
func TestPartReadOutside(t *testing.T) {
	t.Parallel() // it waits for connections that the server closes slowly
	long := strings.Repeat("x", 2<<10+1)
	for name, c := range map[string]struct {
		body string
		read func(http.ResponseWriter, *http.Request)
		want map[string]string // of goals; fired if it is not there
	}{
		"a limit that is hit": {"topic=sales&website=spam", func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 11)
			_ = r.ParseForm()
		}, map[string]string{"SALES_ASKED": "form_read_outside", "NO_TRAP": "form_read_outside", "NEWSLETTER": "form_read_outside"}},
		"a limit that is kept": {"topic=sales&website=&form=newsletter", func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 1000)
			_ = r.ParseForm()
		}, nil},
		"cut without an error": {"topic=sales&website=spam", func(_ http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(io.LimitReader(r.Body, 11))
			_ = r.ParseForm()
		}, map[string]string{"NO_TRAP": "form_read_outside", "NEWSLETTER": "form_read_outside"}},
		"its first bytes": {"topic=sales&website=spam", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(r.Body, make([]byte, 12))
		}, map[string]string{"SALES_ASKED": "form_read_outside", "NO_TRAP": "form_read_outside", "NEWSLETTER": "form_read_outside"}},
		"a pair that is broken": {"topic=sales&website=%zz&form=newsletter", func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
		}, map[string]string{"NO_TRAP": "form_read_outside"}},
		"all of it, of which a field is taken away": {"_method=POST&topic=sales&website=&form=newsletter", func(_ http.ResponseWriter, r *http.Request) {
			_ = r.FormValue("_method") // as github.com/gobuffalo/buffalo does
			r.Form.Del("_method")
			r.PostForm.Del("_method")
		}, nil},
		"all of it, with fields that are absent": {"topic=sales+and+m%C3%A1s&form=newsletter&x=%26%26%26", func(_ http.ResponseWriter, r *http.Request) {
			_ = r.FormValue("csrf")
		}, map[string]string{"SALES_ASKED": "condition"}},
		"a query of the same names": {"topic=sales&form=newsletter&a=1&b=2", func(_ http.ResponseWriter, r *http.Request) {
			_ = r.FormValue("csrf")
		}, nil},
		"a value too long": {"topic=" + long + "&website=&form=newsletter", func(_ http.ResponseWriter, r *http.Request) {
			_ = r.FormValue("csrf")
		}, map[string]string{"TOPIC_SENT": "value_too_long", "SALES_ASKED": "value_too_long"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, h := range handlersBehind {
				w := outsideWorld(t, false, c.read, reading(h.read))
				v := w.Visitor().Meet()
				v.Send(v.Request(http.MethodPost, "/form?website=query&topic=query", strings.NewReader(c.body), "Content-Type", "application/x-www-form-urlencoded"))
				w.Done()
				for _, goal := range []string{"TOPIC_SENT", "SALES_ASKED", "NO_TRAP", "NEWSLETTER"} {
					want := c.want[goal]
					switch {
					case name == "its first bytes" && h.name == "nothing":
						want = "form_unread"
					case want == "":
						want = "fired"
					}
					if got := w.Fates(goal); got != want+" 1" {
						t.Errorf("%s: %s: %s, want %s", h.name, goal, got, want)
					}
				}
			}
		})
	}
}

// TestPartReadOutsideChunked: the length does not tell of a body in chunks whether
// all of it was parsed. What is there counts, and nothing is absent.
func TestPartReadOutsideChunked(t *testing.T) {
	for body, want := range map[string]string{
		"topic=sales&website=":      "fired 1",
		"topic=sales&website=spam":  "condition 1",
		"topic=sales&website=%zz":   "form_read_outside 1", // net/http leaves it out
		"topic=sales&website=a;b":   "form_read_outside 1",
		"topic=sales&form=whatever": "form_read_outside 1",
	} {
		w := outsideWorld(t, false, func(_ http.ResponseWriter, r *http.Request) { _ = r.FormValue("csrf") }, reading(func(*http.Request) {}))
		sendBody(w.Visitor().Meet(), "application/x-www-form-urlencoded", body, true)
		w.Done()
		if trap, topic := w.Fates("NO_TRAP"), w.Fates("SALES_ASKED"); trap != want || topic != "fired 1" {
			t.Errorf("%s: %s, want %s; and the topic: %s", body, trap, want, topic)
		}
	}
}

// TestMultipartReadOutside: parts that something outside has read one by one are
// kept by nobody, and those that net/http did not get to the end of neither.
func TestMultipartReadOutside(t *testing.T) {
	contentType, body := outsideForms["multipart"]("topic", "sales", "website", "spam")
	for name, c := range map[string]struct {
		read func(*http.Request)
		want string
	}{
		"part by part": {func(r *http.Request) {
			parts, _ := r.MultipartReader()
			for _, err := parts.NextPart(); err == nil; _, err = parts.NextPart() {
				continue
			}
		}, "form_read_outside 1"},
		"cut in a value": {func(r *http.Request) {
			r.Body = io.NopCloser(io.LimitReader(r.Body, int64(strings.Index(body, "spam"))))
			_ = r.FormValue("csrf")
		}, "form_read_outside 1"},
		"cut in a name, which net/http takes for the end": {func(r *http.Request) {
			r.Body = io.NopCloser(io.LimitReader(r.Body, int64(strings.Index(body, "website"))))
			_ = r.FormValue("csrf")
		}, "form_read_outside 1"},
		"ParseForm, which reads no parts": {func(r *http.Request) { _ = r.ParseForm() }, "condition 1"},
	} {
		for _, h := range []string{"reads", "does not"} {
			w := outsideWorld(t, false, func(_ http.ResponseWriter, r *http.Request) { c.read(r) }, reading(func(r *http.Request) {
				if h == "reads" {
					_, _ = io.Copy(io.Discard, r.Body)
				}
			}))
			sendBody(w.Visitor().Meet(), contentType, body, false)
			w.Done()
			want := c.want
			if h != "reads" && name != "part by part" {
				want = "form_unread 1"
			}
			if strings.HasPrefix(name, "cut in a name") {
				want = "form_read_outside 1" // parsed, but the website is missing
			}
			if got := w.Fates("NO_TRAP"); got != want {
				t.Errorf("%s, and the handler %s: %s, want %s", name, h, got, want)
			}
		}
	}
}

// TestProxyBehindAReader: a reverse proxy as the handler, behind a middleware that
// parses the form and says that nothing is left of it.
func TestProxyBehindAReader(t *testing.T) {
	upstream := httptest.NewServer(http.RedirectHandler("/thanks", http.StatusSeeOther))
	defer upstream.Close()
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) { pr.SetURL(target) }, ErrorLog: log.New(io.Discard, "", 0)}
	for kind, form := range outsideForms {
		for name, c := range map[string]struct {
			read        func(*http.Request)
			topic, trap string
		}{
			"none":        {func(*http.Request) {}, "fired 1", "condition 1"},
			"parses":      {func(r *http.Request) { _ = r.FormValue("csrf") }, "not_successful 1", "not_successful 1"}, // 502: the body is short
			"parses, 0":   {func(r *http.Request) { _ = r.FormValue("csrf"); r.ContentLength = 0 }, "fired 1", "condition 1"},
			"parses, -1":  {func(r *http.Request) { _ = r.FormValue("csrf"); r.ContentLength = -1 }, "fired 1", "condition 1"},
			"reads, 0":    {func(r *http.Request) { _, _ = io.ReadAll(r.Body); r.ContentLength = 0 }, "fired 1", "form_read_outside 1"},
			"reads, -1":   {func(r *http.Request) { _, _ = io.ReadAll(r.Body); r.ContentLength = -1 }, "fired 1", "form_read_outside 1"},
			"reads, none": {func(r *http.Request) { _, _ = io.ReadAll(r.Body); r.Body, r.ContentLength = http.NoBody, 0 }, "fired 1", "form_read_outside 1"},
		} {
			w := outsideWorld(t, false, func(_ http.ResponseWriter, r *http.Request) { c.read(r) }, proxy)
			contentType, body := form("topic", "sales", "website", "spam")
			sendBody(w.Visitor().Meet(), contentType, body, false)
			w.Done()
			if topic, trap := w.Fates("TOPIC_SENT"), w.Fates("NO_TRAP"); topic != c.topic || trap != c.trap {
				t.Errorf("%s, %s: TOPIC_SENT %s, want %s; NO_TRAP %s, want %s", kind, name, topic, c.topic, trap, c.trap)
			}
		}
	}
}
