package page_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/page"
)

// TestHappens: what the script tells is sent with the data that the rule names, and
// nothing else that the page says.
func TestHappens(t *testing.T) {
	s := open(t, page.Options{})
	v := s.visitor()
	s.tell(v, `{"g":"DEMO_CLICKED","i":"event-happens","u":"/products/7?a=b","d":{"plan":"pro","other":"x"},"value":99,"currency":"USD","identity":{"email":"a@b.example"}}`)
	s.Expect("DEMO_CLICKED", "fired 1")
	e := s.CDP.Expect(t, "DEMO_CLICKED").From(world.Known).With("product", "7").With("plan", "pro").With("goalFrom", "page").Once()
	if got := fmt.Sprint(e.Ext); strings.Contains(got, "other") || strings.Contains(got, "goalValue") {
		t.Errorf("the event has %s", got)
	}
	s.CDP.Expect(t, "IDENTITY").Never()
}

// TestRefused: each message that does not count has a reason, and no part of it goes on.
func TestRefused(t *testing.T) {
	const demo, path = "DEMO_CLICKED", "/products/7"
	good := func() string { return message(demo, path, "") }
	adjust := func(change func(*goaltrack.Config)) []func(*goaltrack.Config) {
		return []func(*goaltrack.Config){change}
	}
	for name, c := range map[string]struct {
		body   string
		header []string
		config []func(*goaltrack.Config)
		note   string // of the message
		fates  string // of the goal
	}{
		"a good one":                  {good(), nil, nil, "", "fired 1"},
		"of another site":             {good(), []string{"Sec-Fetch-Site", "cross-site"}, nil, "page_cross_site", ""},
		"of a sibling":                {good(), []string{"Sec-Fetch-Site", "same-site"}, nil, "page_cross_site", ""},
		"of an old browser":           {good(), []string{"Sec-Fetch-Site", "", "Sec-Fetch-Mode", "", "Sec-Fetch-Dest", ""}, nil, "", "fired 1"},
		"of an old browser elsewhere": {good(), []string{"Sec-Fetch-Site", "", "Origin", "https://other.example"}, nil, "page_cross_site", ""},
		"another port":                {good(), []string{"Sec-Fetch-Site", "", "Origin", "http://127.0.0.1:1"}, nil, "page_cross_site", ""},
		"a null origin":               {good(), []string{"Sec-Fetch-Site", "", "Origin", "null"}, nil, "page_cross_site", ""},
		"of nobody":                   {good(), []string{"Sec-Fetch-Site", "", "Origin", ""}, nil, "page_cross_site", ""},
		"as text":                     {good(), []string{"Content-Type", "text/plain"}, nil, "page_not_json", ""},
		"as text with JSON in it":     {good(), []string{"Content-Type", "text/plain; application/json"}, nil, "page_not_json", ""},
		"as JSON with a charset":      {good(), []string{"Content-Type", "application/JSON; charset=utf-8"}, nil, "", "fired 1"},
		"no JSON":                     {"{", nil, nil, "page_malformed", ""},
		"a list":                      {"[]", nil, nil, "page_malformed", ""},
		"nothing":                     {"", nil, nil, "page_malformed", ""},
		"no goal":                     {`{"i":"event-xx","u":"/"}`, nil, nil, "page_malformed", ""},
		"no ID":                       {`{"g":"DEMO_CLICKED","u":"/products/7"}`, nil, nil, "page_malformed", ""},
		"a short ID":                  {`{"g":"DEMO_CLICKED","i":"1","u":"/products/7"}`, nil, nil, "page_malformed", ""},
		"a long ID":                   {`{"g":"DEMO_CLICKED","i":"` + strings.Repeat("a", 65) + `","u":"/products/7"}`, nil, nil, "page_malformed", ""},
		"an address of elsewhere":     {`{"g":"DEMO_CLICKED","i":"event-xx","u":"https://other.example/products/7"}`, nil, nil, "page_malformed", ""},
		"a broken address":            {`{"g":"DEMO_CLICKED","i":"event-xx","u":"/products/%zz"}`, nil, nil, "page_malformed", ""},
		"data in data":                {`{"g":"DEMO_CLICKED","i":"event-xx","u":"/products/7","d":{"a":{"b":1}}}`, nil, nil, "page_malformed", ""},
		"a long value":                {message(demo, path, `"plan":"`+strings.Repeat("x", 201)+`"`), nil, nil, "page_malformed", ""},
		"a value that takes bytes":    {message(demo, path, `"plan":"`+strings.Repeat("茶", 200)+`"`), nil, nil, "", "fired 1"},
		"a long value of those":       {message(demo, path, `"plan":"`+strings.Repeat("茶", 201)+`"`), nil, nil, "page_malformed", ""},
		"too much data":               {message(demo, path, pairs(21)), nil, nil, "page_malformed", ""},
		"no value":                    {message(demo, path, `"plan":null`), nil, nil, "", "fired 1"},
		"too large":                   {message(demo, path, `"plan":"`+strings.Repeat("x", 3000)+`"`), nil, nil, "page_too_large", ""},
		"an unknown goal":             {message("MADE_UP", path, ""), nil, nil, "unknown_goal", ""},
		"a goal of a form":            {message("OFFER_SENT", path, ""), nil, nil, "no_page_goal", ""},
		"on another page":             {message(demo, "/contact", ""), nil, nil, "", "other_page 1"},
		"on a page below":             {message(demo, "/products/7/reviews", ""), nil, nil, "", "other_page 1"},
		"in another spelling":         {message(demo, "//Products/7;jsessionid=1/", ""), nil, nil, "", "fired 1"},
		"GPC":                         {good(), []string{"Sec-GPC", "1"}, nil, "", "gpc 1"},
		"who opted out":               {good(), []string{"Cookie", "gt_optout=1"}, nil, "", "opt_out 1"},
		"a robot":                     {good(), []string{"User-Agent", "Googlebot/2.1"}, nil, "", "bot 1"},
		"an editor":                   {message(demo, path+"?sc_mode=edit", ""), nil, nil, "", "editor 1"},
		"who did not agree":           {good(), nil, adjust(func(c *goaltrack.Config) { c.Consent = goaltrack.ConsentCookie("consent", "yes") }), "", "consent_unknown 1"},
		"who agreed":                  {good(), []string{"Cookie", "consent=yes"}, adjust(func(c *goaltrack.Config) { c.Consent = goaltrack.ConsentCookie("consent", "yes") }), "", "fired 1"},
		"nothing is held": {good(), []string{"Cookie", "session=0123456789abcdef"}, adjust(func(c *goaltrack.Config) {
			c.Consent, c.ConsentHoldBy = goaltrack.ConsentCookie("consent", "yes"), "session"
		}), "", "consent_unknown 1"},
		"of no site": {good(), nil, adjust(func(c *goaltrack.Config) { c.Sites[0].PathPrefix = "/de" }), "page_no_site", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, page.Options{}, c.config...)
			s.tell(s.Visitor(), c.body, c.header...)
			account := s.Done()
			got := s.Fates(demo)
			if want := c.fates; got != want && (want != "" || got != "none") {
				t.Errorf("the goal: %s, want %s", got, want)
			}
			notes := s.Tracker.Snapshot().Notes
			if c.note != "" && notes[c.note] != 1 {
				t.Errorf("notes %v, want %s", notes, c.note)
			}
			if c.fates != "fired 1" && (account.Accepted > 0 || s.CDP.Made() > 2) { // two are made when it starts
				t.Errorf("accepted %d, %d guests", account.Accepted, s.CDP.Made())
			}
		})
	}
}

func pairs(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"n%d":"v"`, i))
	}
	return strings.Join(list, ",")
}

// TestOtherMethods: nothing but a POST tells anything.
func TestOtherMethods(t *testing.T) {
	s := open(t, page.Options{})
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodOptions, http.MethodDelete} {
		res := s.visitor().Do(method, s.page.Path()+"/c?g=BOOKED", "")
		if res.StatusCode != http.StatusNoContent || res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %s %v", method, res.Status, res.Header)
		}
	}
	s.Expect("BOOKED", "none")
	if n := s.Tracker.Snapshot().Notes["page_method"]; n != 4 {
		t.Errorf("%d notes", n)
	}
}

// TestSentAgain: a browser sends again what it got no answer for.
func TestSentAgain(t *testing.T) {
	s := open(t, page.Options{})
	v, other := s.visitor(), s.Visitor()
	body := message("DEMO_CLICKED", "/products/7", "")
	for range 3 {
		s.tell(v, body)
	}
	s.tell(other, body) // an ID is a visitor's own
	s.Expect("DEMO_CLICKED", "fired 2, repeated 2")
}

// TestTooFast: a visitor may tell thirty things at once.
func TestTooFast(t *testing.T) {
	s := open(t, page.Options{})
	v := s.visitor()
	for range 60 {
		s.tell(v, message("DEMO_CLICKED", "/products/7", ""))
	}
	s.Done()
	var fired, tooFast int
	if _, err := fmt.Sscanf(s.Fates("DEMO_CLICKED"), "fired %d, too_fast %d", &fired, &tooFast); err != nil || fired < 30 || fired+tooFast != 60 {
		t.Errorf("%s (%v)", s.Fates("DEMO_CLICKED"), err)
	}
}

// TestOnceInSession: the answer carries the visit cookie.
func TestOnceInSession(t *testing.T) {
	s := open(t, page.Options{})
	v := s.visitor()
	res := s.tell(v, message("BOOKED", "/", ""))
	if got := res.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "gt_") {
		t.Errorf("Set-Cookie %q", got)
	}
	s.tell(v, message("BOOKED", "/about", ""))
	s.Expect("BOOKED", "fired 1, already_counted 1")
}

// TestNewcomer: a visitor whose first goal happens in a page gets their ID with the
// answer.
func TestNewcomer(t *testing.T) {
	s := open(t, page.Options{})
	v := s.Visitor()
	s.tell(v, message("BOOKED", "/", ""))
	s.Expect("BOOKED", "fired 1")
	if v.ID() == "" {
		t.Fatal("they have no ID")
	}
	s.CDP.Expect(t, "BOOKED").From(v.ID()).Once()
}

// TestInventedNames: names that no rule has are kept nowhere.
func TestInventedNames(t *testing.T) {
	s := open(t, page.Options{}, func(c *goaltrack.Config) { c.Cookie.Warm = -1 })
	v := s.visitor()
	s.tell(v, message("MADE_UP", "/", ""))
	before := heap()
	for i := range 10_000 {
		s.tell(v, message(fmt.Sprintf("MADE_UP_%d", i), "/", ""))
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d bytes more", grown)
	}
	account := s.Done()
	snapshot := s.Tracker.Snapshot()
	if account.Decisions != 0 || len(snapshot.Goals) > 12 || snapshot.Notes["unknown_goal"] != 10_001 {
		t.Errorf("%d decisions, %d goals, notes %v", account.Decisions, len(snapshot.Goals), snapshot.Notes)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestHugeBodies: of a body that is too large, or never ends, two kilobytes are read.
func TestHugeBodies(t *testing.T) {
	s := open(t, page.Options{})
	head := "POST " + s.page.Path() + "/c HTTP/1.1\r\nHost: " + s.Site.Listener.Addr().String() + "\r\nUser-Agent: " + world.Chrome +
		"\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
	for name, c := range map[string]struct{ head, body string }{
		"a gigabyte announced": {"Content-Length: 1073741824\r\n\r\n", strings.Repeat("a", 1<<16)},
		"an endless stream":    {"Transfer-Encoding: chunked\r\n\r\n", strings.Repeat("400\r\n"+strings.Repeat(" ", 0x400)+"\r\n", 1<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Site.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() { _, _ = io.WriteString(conn, head+c.head+c.body) }()
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusNoContent || !res.Close {
				t.Errorf("%s, closes %t", res.Status, res.Close)
			}
		})
	}
	s.Done()
	if n := s.Tracker.Snapshot().Notes["page_too_large"]; n != 2 {
		t.Errorf("notes %v", s.Tracker.Snapshot().Notes)
	}
}

// TestHugeBodiesOverHTTP2: a stream that is refused leaves the connection alone, on which a
// CDN may have other visitors.
func TestHugeBodiesOverHTTP2(t *testing.T) {
	s := new(shop)
	s.World = world.Setup{Rules: rules, HTTP2: true, Mount: func(tracker *goaltrack.Tracker) http.Handler {
		var err error
		if s.page, err = page.New(tracker, page.Options{}); err != nil {
			t.Fatal(err)
		}
		return s.page.Around(tracker.Handler(http.HandlerFunc(world.HTML)))
	}}.Start(t)
	connections := 0
	trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		if !c.Reused {
			connections++
		}
	}})
	for range 2 {
		v := s.visitor()
		pipe, endless := io.Pipe()
		go func() {
			for err := error(nil); err == nil; {
				_, err = endless.Write(make([]byte, 1<<10))
			}
		}()
		for name, body := range map[string]io.Reader{"endless": pipe, "a gigabyte announced": io.LimitReader(zeros{}, 1<<30)} {
			r := v.Request(http.MethodPost, s.page.Path()+"/c", body, "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json")
			if name != "endless" {
				r.ContentLength = 1 << 30
			}
			res, err := v.Client.Do(r.WithContext(trace))
			if err != nil {
				t.Fatal(name, err)
			}
			if res.StatusCode != http.StatusNoContent || res.ProtoMajor != 2 {
				t.Errorf("%s: %s, HTTP/%d", name, res.Status, res.ProtoMajor)
			}
			_ = res.Body.Close()
		}
		_ = pipe.Close()
		s.tell(v, message("DEMO_CLICKED", "/products/7", ""))
	}
	s.Expect("DEMO_CLICKED", "fired 2")
	if connections != 1 {
		t.Errorf("%d connections, want 1", connections)
	}
	if n := s.Tracker.Snapshot().Notes["page_too_large"]; n != 4 {
		t.Errorf("notes %v", s.Tracker.Snapshot().Notes)
	}
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestShown: a page that says that it is shown counts if the server has not shown it.
func TestShown(t *testing.T) {
	shown := func(path string) string { return message("", path, "") }
	for name, c := range map[string]struct {
		do    func(s *shop, v *world.Visitor)
		fates string
		note  string
	}{
		"by the server": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing")
			s.tell(v, shown("/pricing"))
		}, "fired 1", ""},
		"by a cache": {func(s *shop, v *world.Visitor) { s.tell(v, shown("/pricing")) }, "fired 1", ""},
		"by the server, then twice by a cache": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing")
			for range 3 {
				s.tell(v, shown("/pricing"))
			}
		}, "fired 3", ""},
		"sent again": {func(s *shop, v *world.Visitor) {
			body := shown("/pricing")
			s.tell(v, body)
			s.tell(v, body)
		}, "fired 1", "repeated"},
		"another page":      {func(s *shop, v *world.Visitor) { s.tell(v, shown("/contact")) }, "none", ""},
		"with a query":      {func(s *shop, v *world.Visitor) { s.tell(v, shown("/pricing?a=b#c")) }, "fired 1", ""},
		"by a robot":        {func(s *shop, v *world.Visitor) { s.tell(v, shown("/pricing"), "User-Agent", "Googlebot/2.1") }, "none", ""},
		"without agreement": {func(s *shop, v *world.Visitor) { s.tell(v, shown("/pricing"), "Sec-GPC", "1") }, "none", ""},
		"by a script": {func(s *shop, v *world.Visitor) {
			s.tell(v, `{"g":"","i":"event-xx","u":"/pricing","d":{},"s":1}`)
		}, "none", ""},
		"fetched ahead": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing", "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin")
			s.tell(v, shown("/pricing"))
			s.tell(v, shown("/pricing")) // kept by the browser since
		}, "fired 2, prefetch 1", ""},
		"fetched ahead, and put there by a script": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing", "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin")
			s.tell(v, `{"g":"","i":"event-xx","u":"/pricing","d":{},"s":1}`)
		}, "fired 1, prefetch 1", ""},
		"fetched ahead, and told by a file first": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing", "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin")
			v.Get("/a.css", "Sec-Fetch-Dest", "style", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Site", "same-origin", "Referer", s.Site.URL+"/pricing")
			s.tell(v, shown("/pricing"))
		}, "fired 1, prefetch 1", ""},
		"fetched ahead, and open in another tab": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing")
			s.tell(v, shown("/pricing")) // that tab
			v.Get("/pricing", "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin")
			v.Get("/a.css", "Sec-Fetch-Dest", "style", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Site", "same-origin", "Referer", s.Site.URL+"/pricing")
		}, "fired 1, prefetch 1", ""},
		"fetched ahead, open in another tab, and shown": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing")
			s.tell(v, shown("/pricing")) // that tab
			v.Get("/pricing", "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin")
			s.tell(v, shown("/pricing")) // the copy
		}, "fired 2, prefetch 1", ""},
		"fetched ahead before another tab tells": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing")
			v.Get("/pricing", "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin")
			s.tell(v, shown("/pricing")) // that tab
		}, "fired 1, prefetch 1", ""},
		"fetched ahead before another tab tells, and shown": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing")
			v.Get("/pricing", "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin")
			s.tell(v, shown("/pricing")) // that tab
			s.tell(v, shown("/pricing")) // the copy
		}, "fired 2, prefetch 1", ""},
		"fetched ahead and never shown": {func(s *shop, v *world.Visitor) {
			v.Get("/pricing", "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin")
			s.tell(v, shown("/contact"))
		}, "prefetch 1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, page.Options{})
			c.do(s, s.visitor())
			s.Expect("PRICING_VIEWED", c.fates)
			if notes := s.Tracker.Snapshot().Notes; c.note != "" && notes[c.note] != 1 {
				t.Errorf("notes %v", notes)
			}
		})
	}
}

// TestShownToNewcomer: of a page that a shared cache answered, a visitor without an ID gets
// one, and makes one guest.
func TestShownToNewcomer(t *testing.T) {
	s := open(t, page.Options{}, func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	v := s.Visitor()
	s.tell(v, message("", "/pricing?utm_source=news", ""))
	s.Expect("PRICING_VIEWED", "fired 1")
	s.Expect("VIEW", "fired 1")
	s.CDP.Expect(t, "PRICING_VIEWED").From(v.ID()).On("pricing").Once()
	s.CDP.Expect(t, "VIEW").From(v.ID()).Once()
}

// TestShownAnonymously: where an answer that shared caches may keep carried no ID, the page
// counted for a guest whom nobody will know again, and does not count once more.
func TestShownAnonymously(t *testing.T) {
	s := openWith(t, "{version: 1, goals: [{goal: SEEN, visit: '/kept/**'}]}", page.Options{})
	v := s.Visitor()
	v.Get("/kept/a")
	s.tell(v, message("", "/kept/a", ""))
	s.Expect("SEEN", "fired 1")
}

// TestAgreedLater: a page that was shown before its visitor agreed does not count.
func TestAgreedLater(t *testing.T) {
	s := open(t, page.Options{}, func(c *goaltrack.Config) { c.Consent = goaltrack.ConsentCookie("consent", "yes") })
	v := s.Visitor()
	v.Get("/pricing")
	s.tell(v, message("", "/pricing", ""), "Cookie", "consent=yes")
	s.tell(v, message("BOOKED", "/pricing", ""), "Cookie", "consent=yes")
	s.Expect("PRICING_VIEWED", "consent_unknown 1")
	s.Expect("BOOKED", "fired 1")
}

// TestOwnPathCountsForNothing: a rule for everything does not fire on what scripts send.
func TestOwnPathCountsForNothing(t *testing.T) {
	s := openWith(t, "{version: 1, goals: [{goal: ANYTHING, submit: '/**', success: 2xx}, {goal: BOOKED, click: book-demo}]}", page.Options{})
	s.tell(s.visitor(), message("BOOKED", "/", ""))
	s.Expect("ANYTHING", "none")
	s.Expect("BOOKED", "fired 1")
}

// TestSlowBody: a client that does not send on is not waited for, whatever it has announced.
func TestSlowBody(t *testing.T) {
	for announced, note := range map[string]string{"100": "page_unread", "200000": "page_too_large"} {
		s := open(t, page.Options{})
		s.page.SetPatience(50 * time.Millisecond)
		conn, err := net.Dial("tcp", s.Site.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "POST "+s.page.Path()+"/c HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nContent-Length: "+announced+"\r\n\r\n{")
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		answer := bufio.NewReader(conn)
		res, err := http.ReadResponse(answer, nil)
		if err != nil || res.StatusCode != http.StatusNoContent {
			t.Fatal(res, err)
		}
		if rest, err := io.ReadAll(answer); err != nil || len(rest) > 0 {
			t.Errorf("%s bytes announced: %q and %v, want the end of the connection", announced, rest, err)
		}
		if n := s.Tracker.Snapshot().Notes[note]; n != 1 {
			t.Errorf("notes %v", s.Tracker.Snapshot().Notes)
		}
	}
}

// TestSeveralProcesses: a page that one process has shown does not count once more by
// another, to which its script tells that it is shown. Neither does one that the browser
// keeps, whose script another process named.
func TestSeveralProcesses(t *testing.T) {
	fragment := regexp.MustCompile(`#(p[\w-]{10,})"`)
	for name, c := range map[string]struct {
		options page.Options
		script  func(other *shop) string // whose stamp is sent
		fates   string
	}{
		"told so":                  {page.Options{SeveralProcesses: true}, nil, "none"},
		"the other's loader":       {page.Options{}, func(other *shop) string { _, text := other.get(other.visitor(), "/goals/e/s.js"); return text }, "none"},
		"the other's tag":          {page.Options{}, func(other *shop) string { return other.html("/pricing") }, "none"},
		"nobody knows of another":  {page.Options{}, nil, "fired 1"}, // a cache has answered
		"a stamp of nobody":        {page.Options{}, func(*shop) string { return `#pppppppppppppppppppp"` }, "none"},
		"the stamp is of no shape": {page.Options{}, func(*shop) string { return `#p----------------------------"` }, "fired 1"},
	} {
		t.Run(name, func(t *testing.T) {
			one, other := open(t, c.options), open(t, c.options)
			v, text := one.visitor(), message("", "/pricing", "")
			if c.script != nil {
				m := fragment.FindStringSubmatch(c.script(other))
				if m == nil {
					t.Fatal("there is no stamp")
				}
				text = strings.TrimSuffix(text, "}") + `,"p":"` + m[1] + `"}`
			}
			one.tell(v, text)
			one.Expect("PRICING_VIEWED", c.fates)
			if n := one.Tracker.Snapshot().Notes["page_unsure"]; n != map[string]uint64{"none": 1}[c.fates] {
				t.Errorf("notes %v", one.Tracker.Snapshot().Notes)
			}
		})
	}
}

// TestSeveralProcessesAhead: a page that was fetched ahead counts where that is known, and
// only once.
func TestSeveralProcessesAhead(t *testing.T) {
	s := open(t, page.Options{SeveralProcesses: true})
	v := s.visitor()
	v.Get("/pricing", "Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin")
	for range 2 {
		s.tell(v, message("", "/pricing", ""))
	}
	s.Expect("PRICING_VIEWED", "fired 1, prefetch 1")
}
