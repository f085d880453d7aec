package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// consult runs the doctor, and returns its exit code and its findings by
// question.
func consult(t *testing.T, args ...string) (int, map[string]finding) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(deadline(t), append([]string{"doctor", "--json"}, args...), noEnv, &stdout, &stderr)
	var list []finding
	if err := json.Unmarshal(stdout.Bytes(), &list); err != nil {
		t.Fatalf("exit code %d: %v\n%s%s", code, err, &stdout, &stderr)
	}
	found := make(map[string]finding, len(list))
	for _, f := range list {
		found[f.Question] = f
	}
	return code, found
}

// about limits a fault to the events for one question.
func about(question string) func(cdptest.Request) bool {
	return func(r cdptest.Request) bool {
		return strings.Contains(string(r.Body)+r.URL, question)
	}
}

// TestDoctor consults the stand-in when it is well and with every ailment.
func TestDoctor(t *testing.T) {
	const id, event, unknown, pos, past, twice, back, time = "a browser ID", "an event", "an unknown ID",
		"a wrong point of sale", "a time in the past", "the same event twice", "reading back", "the time it takes"
	type expected map[string]string // a question's verdict, and a part of what is found or advised
	for _, test := range []struct {
		name    string
		options cdptest.Options
		faults  []cdptest.Fault
		args    []string
		edge    bool
		code    int
		want    expected
	}{
		{
			name:    "all is well",
			options: cdptest.Options{ClientKeys: []string{"key"}, PointsOfSale: []string{"shop"}, APIToken: "token"},
			args:    []string{"--api-token=token"},
			want: expected{
				id: "ok status 200", "a known ID": "ok", event: "ok status 201", "an event by GET": "ok", "a wrong key": "ok status 401",
				"another region": "skipped", unknown: "ok status 404", pos: "ok lost", past: "found accepted", twice: "found accepted twice",
				"51 attributes": "found status 400", "a list as attribute": "found status 400", "10,000 characters": "found accepted",
				"another type": "found status 400", "a lower-case type": "found status 400",
				back: "ok the event shows, and the one for no point of sale is lost", time: "found answers",
			},
		},
		{
			name: "the edge", edge: true,
			options: cdptest.Options{ContextIDs: []string{"context"}, SiteNames: []string{"shop"}},
			want:    expected{id: "ok", event: "ok", "an event by GET": "skipped", "a wrong key": "ok status 401", unknown: "ok", pos: "ok lost", past: "found", back: "skipped"},
		},
		{
			name: "a wrong key", options: cdptest.Options{ClientKeys: []string{"another"}}, code: exitFailed,
			want: expected{id: "failed the key is wrong", "everything else": "skipped"},
		},
		{
			name: "any key is taken", want: expected{"a wrong key": "differs not noticed"},
		},
		{
			name: "a key refused in another way", faults: []cdptest.Fault{cdptest.Normal().Times(1).On(cdptest.Creates), cdptest.Status(403).Times(1).On(cdptest.Creates)},
			want: expected{"a wrong key": "found holds all events"},
		},
		{
			name: "a wrong key like an outage", faults: []cdptest.Fault{cdptest.Normal().Times(1).On(cdptest.Creates), cdptest.Status(500).Times(1).On(cdptest.Creates)},
			want: expected{"a wrong key": "differs would try again"},
		},
		{name: "a firewall", faults: []cdptest.Fault{cdptest.Status(403)}, code: exitFailed, want: expected{id: "failed firewall"}},
		{
			name: "a redirect", faults: []cdptest.Fault{cdptest.Redirect(302, "https://elsewhere.example/?key=1")}, code: exitFailed,
			want: expected{id: "failed redirect to https://elsewhere.example/"},
		},
		{name: "another server", faults: []cdptest.Fault{cdptest.Body(404, "<h1>not here</h1>")}, code: exitFailed, want: expected{id: "failed this is no CDP"}},
		{name: "a log-in page", faults: []cdptest.Fault{cdptest.Garbage()}, code: exitFailed, want: expected{id: "failed something else answers"}},
		{name: "too many requests", faults: []cdptest.Fault{cdptest.Status(429)}, code: exitFailed, want: expected{id: "failed try again later"}},
		{name: "not available", faults: []cdptest.Fault{cdptest.Status(503)}, code: exitFailed, want: expected{id: "failed try again later"}},
		{name: "in trouble", faults: []cdptest.Fault{cdptest.Status(500)}, code: exitFailed, want: expected{id: "failed status page"}},
		{name: "a request it does not take", faults: []cdptest.Fault{cdptest.Status(415)}, code: exitFailed, want: expected{id: "failed report this"}},
		{name: "no answer", faults: []cdptest.Fault{cdptest.Hang()}, args: []string{"--timeout=50ms"}, code: exitFailed, want: expected{id: "failed no answer in time"}},
		{name: "the connection breaks", faults: []cdptest.Fault{cdptest.ResetAfter()}, code: exitFailed, want: expected{id: "failed"}},
		{
			name: "no guest", faults: []cdptest.Fault{cdptest.Body(200, `{"status":"OK","ref":"6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"}`).On(cdptest.Creates).Times(1)},
			code: exitFailed, // nobody knows that ID
			want: expected{id: "differs customer_ref", "a known ID": "differs cannot be told", event: "failed", back: "skipped"},
		},
		{
			name: "events are refused", faults: []cdptest.Fault{cdptest.Status(401).On(cdptest.Sends)}, code: exitFailed,
			want: expected{id: "ok", event: "failed the key is wrong", "an event by GET": "differs keep", unknown: "differs another trouble", pos: "differs is noticed", past: "found nothing about the event", twice: "found accepted 0 times", back: "skipped"},
		},
		{
			name: "IDs are not looked up", faults: []cdptest.Fault{cdptest.Body(404, "no such call").On(cdptest.Shows)},
			want: expected{"a known ID": "differs held back", unknown: "differs replaces no ID"},
		},
		{
			name: "another guest", faults: []cdptest.Fault{cdptest.Body(200, `{"status":"OK","ref":"6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90","customer":{"ref":"other"}}`).On(cdptest.Shows).Times(1)},
			want: expected{"a known ID": "differs another guest"},
		},
		{
			name: "unknown IDs are taken", faults: []cdptest.Fault{cdptest.Body(201, `{"status":"OK"}`).On(cdptest.Sends).If(about(unknown))},
			want: expected{unknown: "differs does no harm"},
		},
		{
			name: "one number for both", faults: []cdptest.Fault{cdptest.Body(201, `{"status":"OK","ref":"one"}`).On(cdptest.Sends).If(about(twice))},
			want: expected{twice: "found counted once"},
		},
		{
			name: "slow", faults: []cdptest.Fault{cdptest.Delay(1).If(about(event))}, args: []string{"--timeout=1s"},
			want: expected{time: "found answers"},
		},
		{name: "a wrong token", options: cdptest.Options{APIToken: "token"}, args: []string{"--api-token=other"}, want: expected{back: "differs the API token is refused"}},
		{name: "no REST API", args: []string{"--api-token=token"}, faults: []cdptest.Fault{cdptest.Status(500).On(cdptest.Reads)}, want: expected{back: "differs status 500"}},
		{name: "a guest that is none", args: []string{"--api-token=token"}, faults: []cdptest.Fault{cdptest.Body(200, "<html>").On(cdptest.Reads)}, want: expected{back: "differs cannot be understood"}},
		{
			name: "a mistyped point of sale", options: cdptest.Options{PointsOfSale: []string{"Shop"}}, args: []string{"--api-token=token", "--pos=shop", "--patience=20ms"},
			want: expected{event: "ok", back: "found no event shows"},
		},
		{
			name: "nothing is lost", args: []string{"--api-token=token"},
			want: expected{back: "found lastSeen does not tell"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			stand := cdptest.NewServer(t, test.options)
			stand.Fault(test.faults...)
			args := []string{"--cdp=" + stand.URL, "--client-key=key", "--pos=shop"}
			if test.edge {
				args = []string{"--cdp=" + stand.URL, "--context-id=context", "--site-name=shop"}
			}
			code, found := consult(t, append(args, test.args...)...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for question, want := range test.want {
				f, asked := found[question]
				verdict, text, _ := strings.Cut(want, " ")
				if !asked || string(f.Verdict) != verdict || !strings.Contains(f.Found+" "+f.Advice, text) {
					t.Errorf("%s: %+v, want %s", question, f, want)
				}
			}
		})
	}
}

// TestDoctorWithoutConnection has nobody to ask.
func TestDoctorWithoutConnection(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	untrusted.StartTLS()
	defer untrusted.Close()
	for name, url := range map[string]string{"a closed port": closed.URL, "a certificate nobody trusts": untrusted.URL} {
		code, found := consult(t, "--cdp="+url, "--client-key=key", "--pos=shop")
		if f := found["a browser ID"]; code != exitFailed || f.Verdict != broken || !strings.Contains(f.Advice, "no connection") || len(found) != 2 {
			t.Errorf("%s: exit code %d, %+v", name, code, found)
		}
	}
}

// TestDoctorRegion has a tenant of one region, and no network.
func TestDoctorRegion(t *testing.T) {
	stand := cdptest.New(cdptest.Options{ClientKeys: []string{"key"}})
	var hosts []string
	d := &doctor{}
	d.transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host)
		w := httptest.NewRecorder()
		if r.URL.Host != "api-engage-us.sitecorecloud.io" {
			w.WriteHeader(http.StatusUnauthorized)
			return w.Result(), nil
		}
		in := r.Clone(r.Context())
		in.RequestURI = r.URL.RequestURI()
		stand.ServeHTTP(w, in)
		return w.Result(), nil
	})
	var stdout, stderr bytes.Buffer
	c := command{name: "doctor", program: d}
	code := carryOut(deadline(t), []command{c}, &invocation{args: []string{"doctor", "--region=us", "--client-key=key", "--pos=shop"}, stdout: &stdout, stderr: &stderr})
	if code != exitOK || !strings.Contains(stdout.String(), "ok       another region           refused (status 401)") {
		t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	if !slices.Contains(hosts, "api-engage-eu.sitecorecloud.io") {
		t.Errorf("asked were %q", slices.Compact(hosts))
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestDoctorSpeaks is about what a person reads.
func TestDoctorSpeaks(t *testing.T) {
	stand := cdptest.NewServer(t, cdptest.Options{})
	var stdout, stderr bytes.Buffer
	code := run(deadline(t), []string{"doctor", "--cdp", stand.URL, "--client-key", "key", "--pos", "shop", "--api-token", "hush"}, noEnv, &stdout, &stderr)
	text := stdout.String()
	for _, want := range []string{
		"Asking " + stand.URL + " for the client key key, point of sale shop.\n\n",
		"\nok       an event                 accepted (status 201)\n",
		"Event viewer", stand.Browsers()[0],
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if code != exitOK || strings.Contains(text+stderr.String(), "hush") {
		t.Errorf("exit code %d\n%s%s", code, text, &stderr)
	}
	// As many events as it says should show.
	shown := 0
	for _, e := range stand.EventsOf(stand.Browsers()[0]) {
		if e.Type == "GOALTRACK_DOCTOR" {
			shown++
		}
	}
	if shown != 5 || !strings.Contains(text, ": 5 events of GOALTRACK_DOCTOR should show") {
		t.Errorf("%d events arrived\n%s", shown, text)
	}
}

// TestDoctorFaults gives it bad settings, and a file that is the proxy's.
func TestDoctorFaults(t *testing.T) {
	file := write(t, "goaltrack.yaml", "to: http://127.0.0.1:9\nrules: goals.yaml\nregion: eu\nclient-key: key\nsites:\n  - name: a\n")
	code, _, stderr := outcome(t, []string{"doctor", "--config", file, "--timeout=soon", "--patience=-1s"}, nil)
	for _, want := range []string{"needs --pos", `--timeout: "soon" is not a time`, `--patience: "-1s" is not a time`} {
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d, and not %q:\n%s", code, want, stderr)
		}
	}
	if strings.Contains(stderr, "rules") {
		t.Errorf("it minds the proxy's settings:\n%s", stderr)
	}
}

// TestDoctorAsksForTheSession: with --ask-session it sends two events of one visitor,
// longer apart than a session, and then ends the session. Without, it says what goaltrack takes for one.
func TestDoctorAsksForTheSession(t *testing.T) {
	const question = "the length of a session"
	stand := cdptest.NewServer(t, cdptest.Options{})
	args := []string{"--cdp=" + stand.URL, "--client-key=key", "--pos=shop"}
	_, found := consult(t, args...)
	if f := found[question]; f.Verdict != notAsked || !strings.Contains(f.Found, "20m0s") || !strings.Contains(f.Advice, "--ask-session sends two events 21m0s apart") {
		t.Errorf("without the flag: %+v", f)
	}
	var slept []time.Duration
	d := &doctor{sleep: func(_ context.Context, d time.Duration) { slept = append(slept, d) }}
	var stdout, stderr bytes.Buffer
	code := carryOut(deadline(t), []command{{name: "doctor", program: d}}, &invocation{args: append([]string{"doctor", "--ask-session", "--session-length=45m"}, args...), stdout: &stdout, stderr: &stderr})
	if want := "found    the length of a session  accepted twice, 46m0s apart, for the browser ID "; code != exitOK || !strings.Contains(stdout.String(), want) || !slices.Equal(slept, []time.Duration{46 * time.Minute}) {
		t.Errorf("exit code %d, after %v\n%s%s", code, slept, &stdout, &stderr)
	}
	asked := map[string][]string{}
	for _, b := range stand.Browsers() {
		for _, e := range stand.EventsOf(b) {
			if e.Ext["question"] == question {
				asked[b] = append(asked[b], e.Type)
			}
		}
	}
	want := []string{"GOALTRACK_DOCTOR", "GOALTRACK_DOCTOR", "FORCE_CLOSE"}
	if all := slices.Collect(maps.Values(asked)); len(all) != 1 || !slices.Equal(all[0], want) || !strings.Contains(stdout.String(), "FORCE_CLOSE, which ends the last session in a tenant for tests, was accepted") {
		t.Errorf("events by visitor: %v\n%s", asked, &stdout)
	}
	if code, _, stderr := outcome(t, []string{"doctor", "--session-length=5s"}, nil); code != exitUsage || !strings.Contains(stderr, "--session-length") {
		t.Errorf("a session of 5 s: exit code %d\n%s", code, stderr)
	}
}

// TestPlainHTTPNeedsAFlag: the CDP of another machine is not asked over plain HTTP, unless
// somebody says so.
func TestPlainHTTPNeedsAFlag(t *testing.T) {
	goals := write(t, "goals.yaml", rules)
	for _, command := range [][]string{
		{"proxy", "--check", "--to=http://127.0.0.1:9", "--rules=" + goals},
		{"doctor", "--timeout=10ms"},
	} {
		args := slices.Concat(command, []string{"--cdp=http://192.0.2.1:9", "--client-key=k", "--pos=p"})
		code, _, stderr := outcome(t, args, nil)
		if code == exitOK || !strings.Contains(stderr, "--cdp-plain-http") || command[0] == "proxy" && !strings.Contains(stderr, "--cdp: ") {
			t.Errorf("%q: exit code %d\n%s", args, code, stderr)
		}
		if code, stdout, stderr := outcome(t, append(args, "--cdp-plain-http"), nil); strings.Contains(stderr+stdout, "plain HTTP") || command[0] == "proxy" && code != exitOK {
			t.Errorf("with the flag, %q: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
}
