package main

import (
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

const announced = `
version: 1
goals:
  - goal: CONTACT_SENT
    submit: /contact
    value: 5
    data: { topic: $form.topic, size: { from: $form.size, as: number }, id: $app.id }
    examples: { counts: POST /contact topic=sales size=12 -> 303 /thanks }
  - goal: PRICING_VIEWED
    visit: /pricing
    data: { plan: $query.plan, big: { from: $query.big, as: bool }, pages: { from: $query.pages, as: number } }
  - { goal: OLD, visit: /old, status: paused }
  - { goal: NEW, visit: /new, status: draft }
  - { goal: BOUGHT, code: true, identify: { crm: $app.customer }, order: { id: $app.id, total: $app.total } }
`

// TestAnnounce: one event for each live goal of a name of its own, after a yes, for one guest.
func TestAnnounce(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		yes          bool
		code, events int
	}{
		{"yes", "y\n", false, exitOK, 2},
		{"the whole word", "YES", false, exitOK, 2},
		{"--yes", "", true, exitOK, 2},
		{"no", "n\n", false, exitFailed, 0},
		{"just enter", "\n", false, exitFailed, 0},
		{"no input", "", false, exitFailed, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := cdptest.NewServer(t, cdptest.Options{ClientKeys: []string{"key"}, PointsOfSale: []string{"shop"}})
			args := []string{"announce", write(t, "goals.yaml", announced), "--cdp=" + s.URL, "--client-key=key", "--pos=shop", "--currency=EUR"}
			if test.yes {
				args = append(args, "--yes")
			}
			code, stdout, stderr := announceWith(t, test.answer, args)
			events := s.Events()
			if code != test.code || len(events) != test.events {
				t.Fatalf("%d and %d events\n%s%s", code, len(events), stdout, stderr)
			}
			for _, want := range []string{
				"OLD is left out: it is paused.\n", "NEW is left out: it is draft.\n", "BOUGHT is left out: ORDER_CHECKOUT is an event of Sitecore's own",
				"For a new guest of the client key key, point of sale shop, 2 events would go to " + s.URL + ":\n",
				`  CONTACT_SENT  size=12  topic="sales"  goalValue=5  goalCurrency="EUR"  goalFrom="announce"` + "\n    without id: ",
				`  PRICING_VIEWED  big=true  pages=1  plan="test"  goalFrom="announce"` + "\n",
			} {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %q in\n%s", want, stdout)
				}
			}
			if test.events == 0 {
				if len(s.Requests()) > 0 {
					t.Error("the CDP was asked for something")
				}
				return
			}
			if events[0].BrowserID != events[1].BrowserID || !strings.Contains(stdout, "2 of 2 events accepted, of the browser ID\n  "+events[0].BrowserID) {
				t.Errorf("not one guest:\n%s", stdout)
			}
			s.Expect(t, "CONTACT_SENT").On("goaltrack-announce").With("topic", "sales").With("size", 12.0).With("goalFrom", "announce").Once()
			s.Expect(t, "PRICING_VIEWED").With("plan", "test").With("pages", 1.0).With("big", true).Once()
		})
	}
}

// TestAnnounceOfEnvironment: a goal of another environment is left out, and with a connector
// its type is announced once, under a name of no goal.
func TestAnnounceOfEnvironment(t *testing.T) {
	const text = `
defaults: { connector: cdp4s }
goals:
  - { goal: EVERYWHERE, visit: /a }
  - { goal: STAGED, visit: /b, env: [staging, review] }
  - { goal: LIVE, visit: /c, env: production }
`
	for _, test := range []struct{ env, types, left string }{
		{"staging", "EVERYWHERE STAGED CDP4SGOAL", "LIVE is left out: it counts only in production, and --env is staging.\n"},
		{"production", "EVERYWHERE LIVE CDP4SGOAL", "STAGED is left out: it counts only in staging, review, and --env is production.\n"},
		{"", "EVERYWHERE CDP4SGOAL", "LIVE is left out: it counts only in production, and --env names none.\n"},
	} {
		s := cdptest.NewServer(t, cdptest.Options{ClientKeys: []string{"key"}, PointsOfSale: []string{"shop"}})
		args := []string{"announce", write(t, "goals.yaml", text), "--cdp=" + s.URL, "--client-key=key", "--pos=shop", "--currency=EUR", "--yes", "--env=" + test.env}
		code, stdout, stderr := announceWith(t, "", args)
		var types []string
		for _, e := range s.Events() {
			types = append(types, e.Type)
		}
		if code != exitOK || strings.Join(types, " ") != test.types || !strings.Contains(stdout, test.left) {
			t.Errorf("%q: %d, %q\n%s%s", test.env, code, types, stdout, stderr)
		}
		events := s.Events()
		if goal, ok := events[len(events)-1].Body["extGoal"].(map[string]any); !ok || goal["name"] != "goaltrack-announce" || goal["value"] != 0.0 {
			t.Errorf("%+v", events[len(events)-1])
		}
	}
}

// TestAnnounceFaults: what the CDP refuses is named, and faults of settings and rules come
// together.
func TestAnnounceFaults(t *testing.T) {
	s := cdptest.NewServer(t, cdptest.Options{ClientKeys: []string{"another"}})
	args := []string{"announce", write(t, "goals.yaml", announced), "--cdp=" + s.URL, "--client-key=key", "--pos=shop", "--yes"}
	if code, _, stderr := announceWith(t, "", args); code != exitFailed || !strings.Contains(stderr, "the CDP makes no guest: ") {
		t.Error(code, stderr)
	}
	code, _, stderr := outcome(t, []string{"announce", write(t, "goals.yaml", "goals: [{ goal: a }]"), "--client-key=key", "--currency=XYZ", "--yes"}, nil)
	if code != exitUsage || !strings.Contains(stderr, "--pos") || !strings.Contains(stderr, "goals.yaml:1:") || !strings.Contains(stderr, `--currency: the CDP does not know "XYZ"`) {
		t.Error(code, stderr)
	}
}

func announceWith(t *testing.T, answer string, args []string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	c := announceCommand()
	c.program.(*announcer).stdin = strings.NewReader(answer)
	code = carryOut(deadline(t), []command{c}, &invocation{args: args, environ: noEnv, stdout: &out, stderr: &errs})
	return code, out.String(), errs.String()
}
