package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/queue"
)

const atRestRules = `
version: 1
goals:
  - { goal: SEEN, visit: /page }
  - { goal: ASKED, submit: /form, data: { topic: $form.topic } }
  - goal: JOINED
    submit: /form
    success: redirect to /thanks
    identityProvider: email
    identify: { email: $form.email, verified: true }
`

func keyOf(letter string) goaltrack.Key {
	return goaltrack.Key{Hash: []byte(strings.Repeat(letter, 32)), Block: []byte(strings.Repeat(letter, 32))}
}

// restingWorld is a world whose events wait in dir. If its CDP is down, they stay there.
func restingWorld(t *testing.T, dir string, down bool, keys ...goaltrack.Key) (*world.World, *syncBuffer) {
	t.Helper()
	var log syncBuffer
	return world.Setup{
		Rules: atRestRules, Log: &log, Unsettled: true,
		Site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_ = r.ParseForm()
				http.Redirect(w, r, "/thanks", http.StatusSeeOther)
				return
			}
			world.HTML(w, r)
		}),
		Config: func(c *goaltrack.Config, server *cdptest.Server) {
			c.Delivery.SpoolDir, c.Delivery.SpoolWait, c.Keys = dir, diskStalls, keys
			server.Know(world.Known)
			if down {
				server.Fault(unavailable.On(cdptest.Sends))
				c.Delivery.BackoffBase = time.Minute
			}
		},
	}.Start(t), &log
}

// atRest leaves in dir what a visitor has sent while the CDP was down, and returns the log.
func atRest(t *testing.T, dir string, keys ...goaltrack.Key) string {
	t.Helper()
	w, log := restingWorld(t, dir, true, keys...)
	v := w.Visitor().Meet()
	v.Get("/page")
	v.Post("/form", "email=ann%40example.com&topic=my+divorce")
	w.CloseNow()
	world.Released(t, dir)
	return log.String()
}

// TestPeopleAreSealedAtRest: with keys, no file has what a visitor typed, and it is
// delivered after a restart, also with a new key before the old one. Without keys, the
// start line says that it can be read.
func TestPeopleAreSealedAtRest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ keys, later []goaltrack.Key }{
		"the same key": {[]goaltrack.Key{keyOf("a")}, []goaltrack.Key{keyOf("a")}},
		"a new key":    {[]goaltrack.Key{keyOf("a")}, []goaltrack.Key{keyOf("b"), keyOf("a")}},
		"no key":       {nil, nil},
		"a first key":  {nil, []goaltrack.Key{keyOf("a")}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			log := atRest(t, dir, tc.keys...)
			for _, secret := range []string{"ann@example.com", "my divorce"} {
				if n := onDisk(t, dir, secret); (n == 0) != (tc.keys != nil) {
					t.Errorf("%q is %d times on the disk", secret, n)
				}
			}
			want := "at_rest=\"not sealed, for want of Keys: "
			if tc.keys != nil {
				want = "at_rest=\"people's data sealed: "
			}
			if !strings.Contains(log, want) || !strings.Contains(log, "72h0m0s") {
				t.Errorf("the log does not say %s:\n%s", want, log)
			}
			types := map[string]bool{}
			err := queue.InspectSpool(dir, func(e queue.SpoolEntry) error {
				d := goaltrack.DeadLetterOf(e.Letter)
				types[d.Goal+" "+d.Type] = e.Private
				if d.Browser != world.Known[:8] {
					t.Errorf("%+v", d)
				}
				return nil
			})
			if err != nil || len(types) != 4 || !types["JOINED IDENTITY"] || !types["ASKED "] || !types["JOINED "] || types["SEEN "] {
				t.Errorf("%v, %v", types, err)
			}
			w, _ := restingWorld(t, dir, false, tc.later...)
			if a := w.Flush(); a.Recovered != 4 || a.Delivered != 4 {
				t.Errorf("%v", a)
			}
			if e := w.CDP.Expect(t, "IDENTITY").Once(); e.Body["email"] != "ann@example.com" {
				t.Errorf("%s", e.Raw)
			}
			w.CDP.Expect(t, "ASKED").With("topic", "my divorce").Once()
		})
	}
}

// TestLostKey: what it has sealed is a dead letter under a name, and is sent when the key
// is back.
func TestLostKey(t *testing.T) {
	dir := t.TempDir()
	atRest(t, dir, keyOf("a"))
	w, log := restingWorld(t, dir, false, keyOf("b"))
	if a := w.Flush(); a.Delivered != 1 || a.Dead["key_unknown"] != 3 {
		t.Errorf("%v", a)
	}
	w.CloseNow()
	world.Released(t, dir)
	if !strings.Contains(log.String(), "sealed with a key that is not among Keys") {
		t.Errorf("the log does not say so:\n%s", log)
	}
	w, _ = restingWorld(t, dir, false, keyOf("b"), keyOf("a"))
	if n, err := w.Tracker.Resend(func(l goaltrack.DeadLetter) bool { return l.Reason == "key_unknown" }); n != 3 || err != nil {
		t.Errorf("%d sent again, %v", n, err)
	}
	if a := w.Flush(); a.Delivered != 3 {
		t.Errorf("%v", a)
	}
	if e := w.CDP.Expect(t, "IDENTITY").Once(); e.Body["email"] != "ann@example.com" {
		t.Errorf("%s", e.Raw)
	}
}

// TestMemoryIsNotSealed: what a process keeps for itself needs no key, and the start line
// does not speak of it.
func TestMemoryIsNotSealed(t *testing.T) {
	var log syncBuffer
	w := world.Setup{Rules: atRestRules, Site: world.Shop(), Log: &log, Unsettled: true, Config: func(c *goaltrack.Config, server *cdptest.Server) {
		c.Keys = []goaltrack.Key{keyOf("a")}
		server.Fault(cdptest.Status(http.StatusServiceUnavailable).On(cdptest.Sends))
	}}.Start(t)
	if strings.Contains(log.String(), "at_rest") {
		t.Errorf("%s", log.String())
	}
	w.CloseNow()
}
