package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/world"
)

const holdRules = `
version: 1
cookies: plan
goals:
  - { goal: LANDED, visit: /landing, data: { campaign: $query.c } }
  - { goal: ADVISED, visit: /advice, consent: analytics }
  - { goal: FORM_SENT, submit: /form, data: { topic: $form.topic } }
  - { goal: DRAFTED, visit: /landing, status: draft }
  - { goal: PLANNED, visit: /landing, if: { cookie.plan: present } }
  - { goal: LOGGED_IN, code: true }
  - { goal: LOGGED_OUT, submit: /logout, forget: true }
`

// holdSite answers pages, forms, and a log-in that raises a goal.
func holdSite(tracker *goaltrack.Tracker) http.Handler {
	site := http.NewServeMux()
	site.HandleFunc("GET /", world.HTML)
	site.HandleFunc("GET /missing", http.NotFound)
	site.HandleFunc("GET /public", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public")
		world.HTML(w, r)
	})
	site.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
	site.Handle("POST /logout", world.Answer(http.StatusSeeOther, "Location", "/"))
	site.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		_ = tracker.Trigger(r, "LOGGED_IN", goaltrack.Data{"by": "mail"})
		_ = tracker.Identify(r, cdp.Identity{Identifiers: []cdp.Identifier{{ID: "ada@example.com", Provider: "email"}}})
		world.HTML(w, r)
	})
	return tracker.Handler(site)
}

// holding makes a world that holds goals by the cookie "session".
func holding(t *testing.T, adjust ...func(*goaltrack.Config)) *world.World {
	t.Helper()
	return newHolding(t, holdRules, adjust...)
}

func newHolding(t *testing.T, rules string, adjust ...func(*goaltrack.Config)) *world.World {
	t.Helper()
	var w *world.World
	s := world.Setup{Rules: rules, Mount: holdSite}
	s.Config = func(c *goaltrack.Config, _ *cdptest.Server) {
		c.Consent, c.ConsentHoldBy, c.Views = answers, "session", goaltrack.ViewsServer
		for _, a := range adjust {
			a(c)
		}
	}
	w = s.Start(t)
	return w
}

const aSession = "session=0123456789abcdef"

// withAnswer sets the cookies that the visitor sends from now on: their
// session, and their answer.
func withAnswer(v *world.Visitor, answer string) *world.Visitor {
	v.Header.Set("Cookie", aSession)
	if answer != "" {
		v.Header.Set("Cookie", aSession+"; answer="+answer)
	}
	return v
}

// TestHoldAndRelease: what happened before the visitor agreed arrives in order,
// before what they do then, under the ID that they get then.
func TestHoldAndRelease(t *testing.T) {
	w := holding(t)
	v := withAnswer(w.Visitor(), "")
	for _, res := range []*http.Response{v.Get("/landing?c=spring"), v.Get("/advice"), v.Post("/form", "topic=sales"), v.Get("/login")} {
		if res.Header["Set-Cookie"] != nil || res.Header["Cache-Control"] != nil {
			t.Errorf("before he agreed, he got %q", res.Header)
		}
	}
	if a := w.Flush(); a.Held != 7 || a.Fired != 0 || a.Accepted != 0 || !a.Balanced() {
		t.Errorf("held:\n%v", a)
	}
	for _, g := range w.Tracker.Snapshot().Goals {
		if want := map[string]uint64{"LANDED": 1, "ADVISED": 1, "FORM_SENT": 1, "LOGGED_IN": 1, "VIEW": 3}[g.Goal]; g.Held != want {
			t.Errorf("%s: %d held, want %d", g.Goal, g.Held, want)
		}
	}
	withAnswer(v, "yes").Get("/landing?c=summer")
	id := v.ID()
	if id == "" {
		t.Fatal("he agreed, and has no ID")
	}
	a := w.Done()
	if a.Held != 0 || a.Fired != 9 || a.Delivered != 9 || !a.Balanced() {
		t.Errorf("released:\n%v", a)
	}
	var got []string
	for _, e := range w.CDP.Events() {
		if e.BrowserID != id {
			t.Errorf("%s is of %s, not of %s", e.Type, e.BrowserID, id)
		}
		got = append(got, strings.TrimSuffix(fmt.Sprint(e.Type, " ", e.Ext["campaign"]), " <nil>"))
	}
	want := "VIEW, LANDED spring, VIEW, ADVISED, FORM_SENT, VIEW, LOGGED_IN, VIEW, LANDED summer"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("arrived\n%s, want\n%s", s, want)
	}
	w.Expect("IDENTITY", "consent_unknown 1")
	w.Expect("DRAFTED", "consent_unknown 1, draft 1")
	w.Expect("PLANNED", "condition 1, consent_unknown 1")
}

// TestHoldKeepsNoIdentity: a goal that says who the visitor is is held without that. An
// order is nothing without it, and a handler's identity neither. Who says so after they
// agreed is known.
func TestHoldKeepsNoIdentity(t *testing.T) {
	const rules = `
version: 1
defaults: { identityProvider: email }
goals:
  - { goal: SIGNED_UP, submit: /form, identify: { email: $form.email, verified: true } }
  - { goal: ORDERED, submit: /form, identify: { email: $app.email }, order: { id: $form.id, total: $app.total, currency: EUR } }
`
	w := newHolding(t, rules)
	v := withAnswer(w.Visitor(), "")
	v.Post("/form", "email=ada@example.com&id=A-1")
	v.Get("/login")
	withAnswer(v, "yes").Get("/")
	w.Flush()
	for _, e := range w.CDP.Events() {
		if text := fmt.Sprint(e); e.Type == "IDENTITY" || strings.Contains(text, "ada@") {
			t.Errorf("what was typed before the answer was sent: %s", text)
		}
	}
	w.CDP.Expect(t, "SIGNED_UP").Once()
	if n := w.Note("identity_not_held"); n != 1 {
		t.Errorf("noted %d times", n)
	}
	v.Post("/form", "email=bob@example.com")
	w.Done()
	w.Expect("SIGNED_UP", "fired 2")
	w.Expect("ORDERED", "consent_unknown 1, value_missing 1")
	w.CDP.Expect(t, "IDENTITY").Once()
	w.CDP.Expect(t, "SIGNED_UP").Times(2)
}

// TestHoldEnds tells what becomes of a held goal by what comes after it.
func TestHoldEnds(t *testing.T) {
	for _, c := range []struct {
		name          string
		before        []string // headers of the page that is to be held
		cookies       string
		then          func(*world.Visitor)
		landed, other string // fates of LANDED and ADVISED, both held before
	}{
		{"he agrees", nil, aSession, func(v *world.Visitor) { withAnswer(v, "yes").Get("/") }, "fired 1", "fired 1"},
		{"he refuses", nil, aSession, func(v *world.Visitor) { withAnswer(v, "no").Get("/") }, "consent_refused 1", "consent_refused 1"},
		{"he agrees to analytics", nil, aSession, func(v *world.Visitor) { withAnswer(v, "analytics").Get("/") }, "consent_refused 1", "fired 1"},
		{"he agrees to analytics so far", nil, aSession, func(v *world.Visitor) { withAnswer(v, "analytics-so-far").Get("/"); withAnswer(v, "yes").Get("/") }, "fired 1", "fired 1"},
		{"he opts out", nil, aSession, func(v *world.Visitor) { withAnswer(v, "yes").Get("/", "Cookie", aSession+"; gt_optout=1; answer=yes") }, "opt_out 1", "opt_out 1"},
		{"he turns GPC on", nil, aSession, func(v *world.Visitor) { withAnswer(v, "yes").Get("/", "Sec-GPC", "1") }, "gpc 1", "gpc 1"},
		{"he never answers", nil, aSession, func(v *world.Visitor) { v.Get("/") }, "consent_unknown 1", "consent_unknown 1"},
		{"another visitor agrees", nil, aSession, func(v *world.Visitor) { v.Get("/", "Cookie", "session=fedcba9876543210; answer=yes") }, "consent_unknown 1", "consent_unknown 1"},
		{"he agrees on an error page", nil, aSession, func(v *world.Visitor) { withAnswer(v, "yes").Get("/missing") }, "consent_unknown 1", "consent_unknown 1"},
		{"he agrees on a public page", nil, aSession, func(v *world.Visitor) { withAnswer(v, "yes").Get("/public") }, "consent_unknown 1", "consent_unknown 1"},
		{"he agrees on a public page and goes on", nil, aSession, func(v *world.Visitor) { withAnswer(v, "yes").Get("/public"); v.Get("/") }, "fired 1", "fired 1"},
		{"the page he agrees on is fetched ahead", nil, aSession, func(v *world.Visitor) { withAnswer(v, "yes").Get("/", "Sec-Purpose", "prefetch") }, "consent_unknown 1", "consent_unknown 1"},
		{"it was fetched ahead", []string{"Sec-Purpose", "prefetch"}, aSession, func(v *world.Visitor) { withAnswer(v, "yes").Get("/") }, "prefetch 1", "prefetch 1"},
		{"it was a bot", []string{"User-Agent", "Googlebot/2.1"}, aSession, func(v *world.Visitor) { withAnswer(v, "yes").Get("/") }, "bot 1", "bot 1"},
		{"there is no session", nil, "theme=dark", func(v *world.Visitor) { withAnswer(v, "yes").Get("/") }, "consent_unknown 1", "consent_unknown 1"},
		{"the session is a word", nil, "session=guest", func(v *world.Visitor) { v.Get("/", "Cookie", "session=guest; answer=yes") }, "consent_unknown 1", "consent_unknown 1"},
		{"the session is endless", nil, "session=" + strings.Repeat("x", 3000), func(v *world.Visitor) { withAnswer(v, "yes").Get("/") }, "consent_unknown 1", "consent_unknown 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := holding(t)
			v := w.Visitor()
			v.Header.Set("Cookie", c.cookies)
			v.Get("/landing", c.before...)
			v.Get("/advice", c.before...)
			c.then(v)
			w.Site.Close()
			if _, err := world.Close(w.Tracker); err != nil {
				t.Error(err)
			}
			if l, o := w.Fates("LANDED"), w.Fates("ADVISED"); l != c.landed || o != c.other {
				t.Errorf("LANDED %s, ADVISED %s; want %s and %s", l, o, c.landed, c.other)
			}
		})
	}
}

// TestHoldReadsNothing: before the visitor agrees, no cookie of ours and no
// browser ID is read, and none is sent.
func TestHoldReadsNothing(t *testing.T) {
	w := holding(t)
	v := w.Visitor().Meet()
	ours := v.Header.Get("Cookie")
	v.Header.Set("Cookie", ours+"; "+aSession)
	if res := v.Get("/landing"); res.Header["Set-Cookie"] != nil {
		t.Errorf("Set-Cookie %q", res.Header["Set-Cookie"])
	}
	for _, r := range w.Tracker.Snapshot().Recent {
		if r.Browser != "" {
			t.Errorf("%+v tells his browser ID", r)
		}
	}
	v.Header.Set("Cookie", ours+"; answer=yes; "+aSession)
	v.Get("/")
	w.Done()
	w.CDP.Expect(t, "LANDED").From(world.Known).Once()
}

// TestHoldWaitsForTheScript: where the page's script makes the IDs, what was
// held waits for one.
func TestHoldWaitsForTheScript(t *testing.T) {
	w := holding(t, func(c *goaltrack.Config) { c.Cookie.Create = goaltrack.CreateNever })
	w.CDP.Know(world.Known)
	v := withAnswer(w.Visitor(), "")
	v.Get("/landing")
	withAnswer(v, "yes").Get("/")
	if a := w.Flush(); a.Held != 2 {
		t.Errorf("without an ID:\n%v", a)
	}
	v.Get("/", "Cookie", aSession+"; answer=yes; bid_"+w.CDP.Direct().ClientKey+"="+world.Known)
	w.Done()
	w.CDP.Expect(t, "LANDED").From(world.Known).Once()
}

// TestHoldReleasedByOneRequest: of many requests that say granted at the same
// time, one releases.
func TestHoldReleasedByOneRequest(t *testing.T) {
	w := holding(t)
	v := withAnswer(w.Visitor(), "")
	v.Get("/landing")
	withAnswer(v, "yes")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { v.Get("/") })
	}
	wg.Wait()
	w.Expect("LANDED", "fired 1")
	w.CDP.Expect(t, "LANDED").Once()
}

// TestHoldCountsOnce: what counts once does so across what was held and what
// was not, whatever came first.
func TestHoldCountsOnce(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: LANDED, visit: /landing, count: once per visitor }
  - { goal: CAME, visit: /landing, count: once per visitor for $query.c }
  - { goal: SENT_AFTER, submit: /form, after: [LANDED] }
`
	keys := func(c *goaltrack.Config) {
		c.Keys = []goaltrack.Key{{Hash: make([]byte, 32), Block: make([]byte, 32)}}
	}
	w := newHolding(t, rules, keys)
	v := withAnswer(w.Visitor(), "")
	v.Get("/landing?c=a")
	v.Get("/landing?c=b")
	v.Get("/landing")
	v.Post("/form", "a=b")
	withAnswer(v, "yes").Get("/landing?c=a")
	v.Get("/landing?c=c")
	elsewhere := *v // another instance knows it by their cookie
	elsewhere.World = newHolding(t, rules, keys)
	elsewhere.World.CDP.Know(v.ID())
	elsewhere.Get("/landing?c=b")
	elsewhere.World.Expect("LANDED", "already_counted 1")
	elsewhere.World.Expect("CAME", "already_counted 1")
	w.Expect("LANDED", "fired 1, already_counted 4")
	w.Expect("CAME", "fired 3, already_counted 1, value_missing 1")
	w.Expect("SENT_AFTER", "fired 1")
}

// asker makes requests of a tracker without a network, for tests with time.
type asker struct {
	*testing.T
	tracker *goaltrack.Tracker
}

func newAsker(t *testing.T, adjust ...func(*goaltrack.Config)) asker {
	t.Helper()
	c := workingConfig()
	c.Rules, c.Consent, c.ConsentHoldBy = world.MustParse(t, holdRules), answers, "session"
	for _, a := range adjust {
		a(&c)
	}
	tracker, err := goaltrack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return asker{t, tracker}
}

func (a asker) get(path, session, answer string) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("User-Agent", world.Chrome)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", "session="+session+"; answer="+answer)
	r.Header.Set("X-Forwarded-Proto", "https")
	a.tracker.Handler(http.HandlerFunc(world.HTML)).ServeHTTP(httptest.NewRecorder(), r)
}

func (a asker) want(when string, held uint64, notFired string) {
	a.Helper()
	account := a.tracker.Snapshot().Account
	delete(account.NotFired, "condition")
	if got := fmt.Sprint(account.NotFired); account.Held != held || got != notFired || !account.Balanced() {
		a.Errorf("%s: held %d, not fired %s; want %d and %s", when, account.Held, got, held, notFired)
	}
}

// TestHoldExpires: each event is kept for half an hour, and nothing comes back
// to life.
func TestHoldExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsker(t)
		const one, two = "1111111111111111", "2222222222222222"
		a.get("/advice", one, "")
		<-time.After(10 * time.Minute)
		a.get("/advice", one, "")
		a.get("/advice", two, "")
		<-time.After(20*time.Minute - time.Second)
		synctest.Wait()
		a.want("just before", 3, "map[]")
		<-time.After(time.Second)
		synctest.Wait()
		a.want("after half an hour", 2, "map[consent_expired:1]")
		a.get("/advice", one, "yes") // releases the second
		a.want("he agreed in time for the second", 1, "map[consent_expired:1]")
		<-time.After(10 * time.Minute)
		synctest.Wait()
		a.want("the other one never did", 0, "map[consent_expired:2]")
		a.get("/advice", two, "yes")
		a.want("too late", 0, "map[consent_expired:2]")

		a.get("/advice", one, "") // the clock begins anew
		<-time.After(29 * time.Minute)
		synctest.Wait()
		a.want("a later one", 1, "map[consent_expired:2]")
		account, err := a.tracker.Close(t.Context())
		if err != nil || account.Held != 0 || account.NotFired["consent_unknown"] != 1 || !account.Balanced() {
			t.Errorf("closed: %v\n%v", err, account)
		}
		a.get("/advice", one, "")
		a.want("after Close", 0, "map[consent_expired:2 consent_unknown:2]")
		// A timer that was left behind would keep the bubble from ending early.
	})
}

// TestTimeHeldDoesNotCountAsAge: what was held for longer than events are tried is tried all the
// same, and says when it happened.
func TestTimeHeldDoesNotCountAsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stand := cdptest.New(cdptest.Options{})
		a := newAsker(t, func(c *goaltrack.Config) {
			c.DryRun = false
			c.Delivery.HTTPClient = &http.Client{Transport: inMemory{stand, 0}}
			c.Delivery.MaxAge = time.Minute
		})
		const session = "1111111111111111"
		happened := time.Now()
		a.get("/advice", session, "")
		<-time.After(20 * time.Minute)
		stand.Fault(cdptest.Status(http.StatusServiceUnavailable).On(cdptest.Sends).Times(1))
		a.get("/", session, "yes")
		account, err := a.tracker.Close(t.Context())
		if err != nil || account.Delivered != 1 || !account.Balanced() {
			t.Errorf("%v\n%v", err, account)
		}
		stand.Expect(t, "ADVISED").With("late", true).With("occurredAt", happened.UTC().Format(time.RFC3339)).Once()
	})
}

// TestHoldIsBounded: by events of one visitor, and by bytes of all.
func TestHoldIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAsker(t)
		for range 25 {
			a.get("/advice", "1111111111111111", "")
		}
		a.want("one visitor", 20, "map[consent_hold_full:5]")
		n := uint64(0)
		for i := range 10_000 {
			a.get("/landing?c="+strings.Repeat("x", 1000), fmt.Sprintf("%016d", i), "")
			if n = a.tracker.Snapshot().NotFired["consent_hold_full"]; n == 50 {
				break
			}
		}
		if held := a.tracker.Snapshot().Held; n != 50 || held < 1000 || held > 4<<20/1000 {
			t.Errorf("%d are held when %d had no room", held, n)
		}
		for range 25 { // room is made by those who answer
			a.get("/advice", "1111111111111111", "no")
		}
		a.get("/landing", "the one that comes last", "")
		if n := a.tracker.Snapshot().NotFired["consent_hold_full"]; n != 50 {
			t.Errorf("%d had no room after some was made", n)
		}
		if _, err := a.tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestMadeUpSessionsTakeNoHold: whoever makes up a session for each form pushes their
// own forms out, not those of visitors who answer a little later. It is the same if each
// session is used twice. Somebody who was here again since keeps what is held for long.
func TestMadeUpSessionsTakeNoHold(t *testing.T) {
	t.Parallel()
	for times, name := range []string{"once", "twice"} {
		bubble.Run(t, name, func(t *testing.T) {
			a := newAsker(t)
			n := 0
			evil := func(forms int) {
				for range forms {
					n++
					for range times + 1 {
						a.get("/advice", fmt.Sprintf("evil%016d", n), "")
					}
				}
			}
			const patient = "patient000000001"
			a.get("/advice", patient, "")
			<-time.After(time.Second)
			a.get("/landing", patient, "")
			evil(6000)
			for i := range 30 {
				session := fmt.Sprintf("genuine%016d", i)
				a.get("/advice", session, "")
				<-time.After(time.Second)
				evil(10)
				a.get("/landing", session, "yes")
			}
			if times == 0 {
				evil(20_000)
				a.get("/landing", patient, "yes")
			}
			want := uint64(30)
			if times == 0 {
				want = 31
			}
			for _, g := range a.tracker.Snapshot().Goals {
				if g.Goal == "ADVISED" && g.Fired != want {
					t.Errorf("%d of those who agreed count, want %d: %v", g.Fired, want, g.NotFired)
				}
			}
			if account, err := a.tracker.Close(t.Context()); err != nil || !account.Balanced() {
				t.Errorf("%v\n%v", err, account)
			}
		})
	}
}
