package test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// ada is somebody the application knows.
func ada() cdp.Identity {
	return cdp.Identity{
		Identifiers: []cdp.Identifier{{ID: "ada@example.com", Provider: "email"}, {ID: "C-17", Provider: "crm"}},
		Email:       "ada@example.com", FirstName: "Ada", Street: []string{"1 Road"}, Ext: cdp.Ext{{Name: "vip", Value: true}},
	}
}

// TestIdentify: before the goals of the request, in one lane, also where
// nothing is followed or the handler has returned.
func TestIdentify(t *testing.T) {
	for name, c := range map[string]struct {
		method, path string
		types        string
		page         string
	}{
		"on a request that is followed": {"GET", "/page", "[IDENTITY IDENTITY PAGE_VISITED ORDER_PAID]", "page"},
		"on a form":                     {"POST", "/form", "[IDENTITY IDENTITY FORM_SENT ORDER_PAID]", "checkout"},
		"on one that is not":            {"POST", "/other", "[IDENTITY ORDER_PAID IDENTITY]", "checkout"},
	} {
		t.Run(name, func(t *testing.T) {
			w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				who := ada()
				if err := w.Tracker.Identify(r, who); err != nil {
					t.Error(err)
				}
				who.Identifiers[0].ID, who.Street[0], who.Ext[0].Value = "changed", "afterwards", "too"
				for _, err := range []error{w.Tracker.Trigger(r, "ORDER_PAID", nil), w.Tracker.Confirm(r, "FORM_SENT"), w.Tracker.Identify(r, ada())} {
					if err != nil {
						t.Error(err)
					}
				}
				world.HTML(rw, r)
			})
			w.Visitor().Meet().Do(c.method, c.path, "", "Referer", w.Site.URL+"/checkout")
			w.Expect("IDENTITY", "fired 2")
			if got := fmt.Sprint(w.CDP.Types()); got != c.types {
				t.Errorf("types %s, want %s", got, c.types)
			}
			for _, e := range w.CDP.Expect(t, "IDENTITY").On(c.page).From(world.Known).With("vip", true).Times(2) {
				if got := fmt.Sprint(e.Body["identifiers"], e.Body["street"]); strings.Contains(got, "changed") || strings.Contains(got, "afterwards") {
					t.Errorf("it was not copied: %s", got)
				}
				if e.UserAgent != world.Chrome || e.Body["language"] != "EN" || e.Ext["eventId"] == nil {
					t.Errorf("body %s by %q", e.Raw, e.UserAgent)
				}
			}
		})
	}
}

// TestIdentifyTidies: case and spaces do not make two people of one, and each
// API gets the date of birth in its own form.
func TestIdentifyTidies(t *testing.T) {
	for name, c := range map[string]struct {
		site func(*cdptest.Server) cdp.Site
		dob  string
	}{
		"CDP":               {func(s *cdptest.Server) cdp.Site { return s.Direct() }, "1990-12-10T00:00"},
		"edge":              {func(s *cdptest.Server) cdp.Site { return s.Edge() }, "1990-12-10T00:00"},
		"edge, Content SDK": {func(s *cdptest.Server) cdp.Site { e := s.Edge(); e.ContextHeader = true; return e }, "1990-12-10"},
	} {
		for _, dob := range []string{"1990-12-10", "1990-12-10T00:00"} {
			t.Run(name+" "+dob, func(t *testing.T) {
				var w *world.World
				w = world.Setup{Site: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					err := w.Tracker.Identify(r, cdp.Identity{
						Email: "\tAda@Example.COM ", Gender: "Female", Country: "ie", DateOfBirth: dob,
						Identifiers: []cdp.Identifier{{ID: "ADA@example.com", Provider: "email"}, {ID: "Ada", Provider: "Shop"}},
					})
					if err != nil {
						t.Error(err)
					}
					world.HTML(rw, r)
				}), Config: func(config *goaltrack.Config, s *cdptest.Server) { config.Sites[0].CDP = c.site(s) }}.Start(t)
				w.Visitor().Get("/")
				w.Done()
				b := w.CDP.Expect(t, "IDENTITY").Once().Body
				got := fmt.Sprint(b["email"], b["gender"], b["country"], b["dob"], b["identifiers"])
				want := "ada@example.com" + "female" + "IE" + c.dob + "[map[id:ada@example.com provider:email] map[id:Ada provider:Shop]]"
				if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
					t.Errorf("%s, want %s", got, want)
				}
			})
		}
	}
}

func TestIdentifyRefuses(t *testing.T) {
	invalid := map[string]func(*cdp.Identity){
		"identifiers":             func(i *cdp.Identity) { i.Identifiers = nil },
		"identifiers[0].provider": func(i *cdp.Identity) { i.Identifiers[0].Provider = "" },
		"email":                   func(i *cdp.Identity) { i.Email = "ada" },
		"gender":                  func(i *cdp.Identity) { i.Gender = "yes" },
		"country":                 func(i *cdp.Identity) { i.Country = "Ireland" },
		"dob":                     func(i *cdp.Identity) { i.DateOfBirth = "10.12.1990" },
		"firstname":               func(i *cdp.Identity) { i.FirstName = "\xff" },
		"ext.list":                func(i *cdp.Identity) { i.Ext = cdp.Ext{{Name: "list", Value: []int{1}}} },
		"eventId":                 func(i *cdp.Identity) { i.Ext = cdp.Ext{{Name: "eventId", Value: "1"}} },
		"45":                      func(i *cdp.Identity) { i.Ext = slices.Repeat(cdp.Ext{{Name: "a", Value: 1}}, 60) },
	}
	w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
		for what, spoil := range invalid {
			who := ada()
			spoil(&who)
			if err := w.Tracker.Identify(r, who); !errors.Is(err, goaltrack.ErrInvalid) || what != "45" && !strings.Contains(err.Error(), what) {
				t.Errorf("%s: %v", what, err)
			}
		}
		world.HTML(rw, r)
	})
	w.Visitor().Meet().Get("/page")
	w.Visitor().Meet().Post("/other", "")
	w.Expect("IDENTITY", "none")
}

// TestIdentifyAndGate: nobody is identified who may not be counted, and nobody
// who cannot be told apart.
func TestIdentifyAndGate(t *testing.T) {
	for _, path := range []string{"/page", "/other"} {
		for want, header := range map[string][]string{
			"gpc 1":           {"Sec-Gpc", "1"},
			"opt_out 1":       {"Cookie", "gt_optout=1; " + bid + "=" + world.Known},
			"bot 1":           {"User-Agent", "Googlebot/2.1"},
			"no_browser_id 1": {"Cookie", ""},
		} {
			t.Run(path+" "+want, func(t *testing.T) {
				w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
					err := w.Tracker.Identify(r, ada())
					if refused := want == "no_browser_id 1" && path == "/other"; errors.Is(err, goaltrack.ErrRefused) != refused {
						t.Errorf("error %v", err)
					}
					world.HTML(rw, r)
				}, func(c *goaltrack.Config) { c.Cookie.Create = goaltrack.CreateNever })
				method := map[string]string{"/page": http.MethodGet, "/other": http.MethodPost}[path]
				w.Visitor().Meet().Do(method, path, "", header...)
				w.Expect("IDENTITY", want)
				w.CDP.Expect(t, "IDENTITY").Never()
			})
		}
	}
}

// TestIdentifyMakesAGuest: an identity is reason enough for an ID, and it is the
// one the cookie gets.
func TestIdentifyMakesAGuest(t *testing.T) {
	w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
		if err := w.Tracker.Identify(r, ada()); err != nil {
			t.Error(err)
		}
		world.HTML(rw, r)
	}, func(c *goaltrack.Config) { c.Cookie.Create = goaltrack.CreateGoal })
	v := w.Visitor()
	if v.Post("/form", ""); v.ID() == "" {
		t.Error("no cookie")
	}
	w.Expect("IDENTITY", "fired 1")
	w.CDP.Expect(t, "IDENTITY").From(v.ID()).Once()
}

// TestIdentifyAndPanic: what a handler says before it panics is not sent.
func TestIdentifyAndPanic(t *testing.T) {
	w := handlerWorld(t, func(w *world.World, _ http.ResponseWriter, r *http.Request) {
		_ = w.Tracker.Identify(r, ada())
		panic(http.ErrAbortHandler)
	})
	if res, err := w.Visitor().Meet().Client.Do(w.Visitor().Meet().Request(http.MethodGet, "/page", nil)); err == nil {
		res.Body.Close()
		t.Errorf("status %d", res.StatusCode)
	}
	w.Expect("IDENTITY", "panicked 1")
	w.CDP.Expect(t, "IDENTITY").Never()
}

// TestIdentifyOften: a request keeps eight; the others are sent at once, and
// none is lost.
func TestIdentifyOften(t *testing.T) {
	w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				if err := w.Tracker.Identify(r, ada()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.Flush()
		w.CDP.Expect(t, "IDENTITY").Times(12 - 8)
		world.HTML(rw, r)
	})
	w.Visitor().Meet().Get("/page")
	w.Expect("IDENTITY", "fired 12")
	w.CDP.Expect(t, "IDENTITY").From(world.Known).Times(12)
}

// TestIdentifyInDryRun: decided and counted, like goals.
func TestIdentifyInDryRun(t *testing.T) {
	tracker, err := goaltrack.New(goaltrack.Config{Sites: workingConfig().Sites, DryRun: true, Rules: world.MustParse(t, apiRules)})
	if err != nil {
		t.Fatal(err)
	}
	h := tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := tracker.Identify(r, ada()); err != nil {
			t.Error(err)
		}
		world.HTML(w, r)
	}))
	for _, path := range []string{"/page", "/other"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("User-Agent", world.Chrome)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Sec-Fetch-Site", "none")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	s := tracker.Snapshot()
	if !s.Balanced() || s.Fired != 3 {
		out, _ := json.Marshal(s.Goals)
		t.Errorf("%s\n%s", s.Account, out)
	}
}

const identityRules = `
version: 1
defaults: { identityProvider: email }
goals:
  - goal: LOGGED_IN
    submit: /login
    success: confirmed
    identify:
      email: $form.email
      crm: $form.crm
      loyalty: sha256($form.member)
      title: $form.title
      firstName: $form.first
      lastName: $form.last
      gender: $form.gender
      dob: $form.dob
      mobile: $form.mobile
      phone: $form.phone
      street: $form.street
      city: $form.city
      state: $form.state
      postalCode: $form.zip
      country: $form.country
  - goal: SUBSCRIBED
    submit: /subscribe
    success: confirmed
    identify: { email: sha256($form.email) }
`

// TestIdentifyByRule: what identify: sends, field by field. What the CDP would
// not accept about the person is left out and noted. If what is left does not
// name the person, there is no identity, and the goal goes without one.
func TestIdentifyByRule(t *testing.T) {
	for name, c := range map[string]struct {
		path, form string
		want       string // the IDENTITY's own members, "" if there is none
		note       string
	}{
		"an address": {"/login", "email=Ada%40Example.com+", `{"email":"ada@example.com","identifiers":[{"id":"ada@example.com","provider":"email"}]}`, ""},
		"an ID":      {"/login", "crm=+C-17", `{"identifiers":[{"id":"C-17","provider":"crm"}]}`, ""},
		"all": {
			"/login", "email=a%40b.example&crm=C&member=77&title=Ms&first=Ada&last=L&gender=FEMALE&dob=1990-12-10&mobile=1&phone=2&street=1+Road&city=Dublin&state=D&zip=X1&country=ie",
			`{"city":"Dublin","country":"IE","dob":"1990-12-10T00:00","email":"a@b.example","firstname":"Ada","gender":"female","identifiers":[` +
				`{"id":"a@b.example","provider":"email"},{"id":"C","provider":"crm"},{"id":"` + sha256Of("77") + `","provider":"loyalty"}],` +
				`"lastname":"L","mobile":"1","phone":"2","postal_code":"X1","state":"D","street":["1 Road"],"title":"Ms"}`, "",
		},
		"nonsense about the person": {"/login", "crm=C&gender=yes&dob=10.12.1990&country=Ireland&first=Ada", `{"firstname":"Ada","identifiers":[{"id":"C","provider":"crm"}]}`, "identity_field_invalid"},
		"no address, but an ID":     {"/login", "email=ada&crm=C", `{"identifiers":[{"id":"C","provider":"crm"}]}`, "identity_field_invalid"},
		"no address":                {"/login", "email=ada&first=Ada", "", "identity_missing"},
		"nobody":                    {"/login", "first=Ada", "", "identity_missing"},
		"a hash":                    {"/subscribe", "email=+ADA%40example.com", `{"identifiers":[{"id":"` + sha256Of("ada@example.com") + `","provider":"email"}]}`, ""},
		"a hash of nothing":         {"/subscribe", "email=++", "", "identity_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			var w *world.World
			w = world.New(t, identityRules, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				for _, goal := range []string{"LOGGED_IN", "SUBSCRIBED"} {
					if err := w.Tracker.Confirm(r, goal); err != nil {
						t.Error(err)
					}
				}
				world.HTML(rw, r)
			}))
			w.Visitor().Meet().Post(c.path, c.form)
			w.Done()
			types := fmt.Sprint(w.CDP.Types())
			if !strings.HasPrefix(types, "[IDENTITY ") {
				types = ""
			}
			if (types != "") != (c.want != "") || c.note != "" && w.Note(c.note) != 1 || len(w.CDP.Events()) == 0 {
				t.Errorf("types %s, notes %v", w.CDP.Types(), w.Tracker.Snapshot().Notes)
			}
			if c.want == "" {
				return
			}
			body := w.CDP.Events()[0].Body
			for _, base := range []string{"browser_id", "channel", "client_key", "currency", "language", "page", "pos", "type", "ext"} {
				delete(body, base)
			}
			if got, _ := json.Marshal(body); string(got) != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func sha256Of(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// TestIdentityAndGoalTogether: in one lane and in order, or neither.
func TestIdentityAndGoalTogether(t *testing.T) {
	var w *world.World
	seen := 0
	w = world.New(t, identityRules, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		_ = w.Tracker.Confirm(r, "LOGGED_IN")
		world.HTML(rw, r)
	}), func(c *goaltrack.Config) {
		c.Delivery.QueueEvents = 1 // there is no room for both
		c.BeforeSend = func(*cdp.Event) bool { seen++; return true }
	})
	w.Visitor().Meet().Post("/login", "crm=C")
	w.Expect("LOGGED_IN", "queue_full 1")
	if len(w.CDP.Events()) != 0 || seen != 2 {
		t.Errorf("%v were sent, %d made", w.CDP.Types(), seen)
	}
}

// TestSendIdentifies: a goal that is sent for an absent visitor names them
// first, if its rule does, and an order needs that.
func TestSendIdentifies(t *testing.T) {
	const rules = `
version: 1
defaults: { identityProvider: email }
goals:
  - goal: PAID
    code: true
    identify: { email: $app.email }
    order: { id: $app.id, total: $app.total }
  - goal: CALLED_BACK
    code: true
    identify: { email: $app.email }
`
	w := world.New(t, rules, http.HandlerFunc(world.HTML))
	w.CDP.Know(world.Known)
	order := goaltrack.Data{"id": "A-1", "total": 12.5, "email": "Ada@example.com"}
	for _, c := range []struct {
		goal string
		data goaltrack.Data
	}{
		{"PAID", order},
		{"PAID", goaltrack.Data{"id": "A-2", "total": 12.5}},
		{"CALLED_BACK", goaltrack.Data{"email": "ada@example.com"}},
		{"CALLED_BACK", nil},
	} {
		err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, c.goal, c.data)
		if nobody := c.goal == "PAID" && c.data["email"] == nil; nobody != errors.Is(err, goaltrack.ErrRefused) || !nobody && err != nil {
			t.Errorf("%s %v: %v", c.goal, c.data, err)
		}
	}
	w.Expect("PAID", "fired 1, no_identity 1")
	w.Expect("CALLED_BACK", "fired 2")
	if got := fmt.Sprint(w.CDP.Types()); got != "[IDENTITY ORDER_CHECKOUT IDENTITY CALLED_BACK CALLED_BACK]" || w.Note("identity_missing") != 1 {
		t.Errorf("sent %s, notes %v", got, w.Tracker.Snapshot().Notes)
	}
	w.CDP.Expect(t, "ORDER_CHECKOUT").From(world.Known).Once()
}
