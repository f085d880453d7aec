package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/accesslog"
)

const replayedRules = `
version: 1
goals:
  - { goal: PRICING_VIEWED, visit: /pricing, unless: { query.preview: present } }
  - { goal: CONTACT_SENT, submit: /contact, success: redirect to /thanks, if: { form.email: present } }
  - { goal: SIGNED_UP, submit: { path: /sign-up, form: short } }
  - { goal: GUIDE_DOWNLOADED, download: "/files/{file}.pdf" }
  - { goal: ORDER_PAID, code: true }
  - { goal: OLD, visit: /old, status: paused }
`

const (
	person = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	robot  = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)

// A line for each thing that can happen, as three kinds of logs have it.
var replayedLines = []struct {
	method, target string
	status         int
	agent          string
}{
	{"GET", "/pricing", 200, person},
	{"GET", "/pricing?preview=1", 200, person},
	{"GET", "/pricing", 404, person},
	{"GET", "/pricing", 200, robot},
	{"POST", "/contact", 303, person},
	{"POST", "/contact", 200, person},
	{"POST", "/sign-up", 303, person},
	{"GET", "/files/tea.pdf", 200, person},
	{"GET", "/files/tea.pdf", 206, person},
	{"GET", "/old", 200, person},
	{"POST", "/demo-request", 303, person},
	{"GET", "/other", 200, person},
	{"POST", "/demo-request", 302, person},
	{"POST", "/demo-request", 302, robot},
	{"POST", "/a{b", 303, person}, // no template can say it
	{"POST", "/%1B[2J%0A%20%20-%20goal:%20EVIL", 303, person},
}

func combinedLog() string {
	var b strings.Builder
	for _, l := range replayedLines {
		fmt.Fprintf(&b, "203.0.113.9 - - [09/Nov/2025:06:25:31 +0000] \"%s %s HTTP/1.1\" %d 18233 \"-\" %q\n", l.method, l.target, l.status, l.agent)
	}
	return b.String()
}

func commonLog() string {
	var b strings.Builder
	for _, l := range replayedLines {
		fmt.Fprintf(&b, "203.0.113.9 - - [09/Nov/2025:06:25:31 +0000] \"%s %s HTTP/1.1\" %d 18233\n", l.method, l.target, l.status)
	}
	return b.String()
}

func jsonLog() string {
	var b strings.Builder
	for _, l := range replayedLines {
		location := ""
		if l.status/100 == 3 {
			location = "/thanks"
		}
		fmt.Fprintf(&b, `{"host":"shop.example","request_method":%q,"request_uri":%q,"status":%d,"http_user_agent":%q,"sent_http_location":%q}`+"\n",
			l.method, l.target, l.status, l.agent, location)
	}
	return b.String()
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// stdin makes text the standard input.
func stdin(t *testing.T, text string) {
	t.Helper()
	file, err := os.Open(write(t, "stdin", text))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = file
	t.Cleanup(func() {
		os.Stdin = before
		_ = file.Close()
	})
}

// TestReplay looks at what people see of a combined log.
func TestReplay(t *testing.T) {
	rules := write(t, "goals.yaml", replayedRules)
	log := write(t, "access.log", combinedLog()+"nonsense\n")
	code, stdout, stderr := carry(t, "replay", rules, log)
	if code != exitOK || stderr != "" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	printed(t, stdout, log+": combined, UTF-8; 17 lines, 16 read\n"+`
17 lines, 1 of them unreadable

GOAL              COUNT  GUESSED  WHY NOT
PRICING_VIEWED    1      0        bot 1, condition 1, status 1
CONTACT_SENT      1      1        not successful 1
SIGNED_UP         1      1
GUIDE_DOWNLOADED  1      0        range 1
ORDER_PAID        ?      ?
OLD               0      0        paused

What the log does not tell:
  CONTACT_SENT: about 1, depending on form.email, where a redirect leads
  SIGNED_UP: about 1, depending on what the form calls itself, where a redirect leads
  ORDER_PAID: unknown, since it is raised in code
  All goals: consent, opt-outs and prefetches; and what 1 unreadable line says, so there may have been more.
  Which part of a file was sent: 1 answer with 206 not counted as downloads.

No goal counts these. To count them, put under goals:

  # POST /demo-request was accepted twice
  - goal: DEMO_REQUEST_SENT
    submit: "/demo-request"
`)
}

// TestReplayJSON replays each format, plain and compressed, from files and from
// the standard input.
func TestReplayJSON(t *testing.T) {
	rules := write(t, "goals.yaml", replayedRules)
	withBots := map[string]uint64{
		"PRICING_VIEWED": 2, "CONTACT_SENT": 1, "SIGNED_UP": 1, "GUIDE_DOWNLOADED": 1, "ORDER_PAID": 0, "OLD": 0,
	}
	people := map[string]uint64{
		"PRICING_VIEWED": 1, "CONTACT_SENT": 1, "SIGNED_UP": 1, "GUIDE_DOWNLOADED": 1, "ORDER_PAID": 0, "OLD": 0,
	}
	for _, format := range []struct {
		name, text string
		want       map[string]uint64
	}{
		{"combined", combinedLog(), people},
		{"common", commonLog(), withBots}, // it does not tell who is one
		{"json", jsonLog(), people},
	} {
		t.Run(format.name, func(t *testing.T) {
			plain, packed := write(t, "access.log", format.text), write(t, "access.log", zipped(t, format.text))
			stdin(t, zipped(t, format.text))
			for times, logs := range [][]string{1: {plain}, 2: {packed, plain}, 3: {plain, "-", packed}} {
				if times == 0 {
					continue
				}
				code, stdout, stderr := carry(t, append([]string{"replay", "--json", rules}, logs...)...)
				if code != exitOK || stderr != "" {
					t.Fatalf("exit code %d, stderr %q", code, stderr)
				}
				got := strictly[replayJSON](t, stdout)
				if got.Lines != int64(times*len(replayedLines)) || got.Unreadable != 0 || len(got.Goals) != len(format.want) {
					t.Errorf("%v: %+v", logs, got)
				}
				for name, count := range format.want {
					if got.Goals[name] != uint64(times)*count {
						t.Errorf("%v: %s is %d, want %d times %d", logs, name, got.Goals[name], times, count)
					}
				}
			}
		})
	}
}

// TestReplayKeys pins the names of the JSON.
func TestReplayKeys(t *testing.T) {
	log := write(t, "access.log", "?\n\n?\n")
	_, stdout, _ := carry(t, "replay", "--json", write(t, "goals.yaml", fineRules), log)
	printed(t, stdout, fmt.Sprintf(`{"lines":2,"unreadable":2,"files":[{"name":%q,"format":"unknown","lines":2,"read":0}],"goals":{"CONTACT_SENT":0}}`+"\n", log))
}

// TestReplayFiles says of each log what it was taken for, and fails if nothing of
// any could be read.
func TestReplayFiles(t *testing.T) {
	rules := write(t, "goals.yaml", replayedRules)
	all := int64(len(replayedLines))
	good, none, empty := write(t, "access.log.gz", zipped(t, combinedLog()+"?\n")), write(t, "none.log", "?\n?\n"), write(t, "empty.log", "\n")
	const nothing = "nothing could be read: none of 2 lines is a request in a known format"
	for _, test := range []struct {
		name, fault string
		logs        []string
		want        []fileRead
	}{
		{"all kinds", "", []string{good, write(t, "json.log", jsonLog()), write(t, "common.log", commonLog())}, []fileRead{
			{Format: "combined", encoding: "UTF-8 in gzip", Lines: all + 1, Read: all},
			{Format: "JSON", encoding: "UTF-8", Lines: all, Read: all},
			{Format: "common", encoding: "UTF-8", Lines: all, Read: all},
		}},
		{"one of two", "", []string{none, good}, []fileRead{
			{Format: "unknown", encoding: "UTF-8", Lines: 2}, {Format: "combined", encoding: "UTF-8 in gzip", Lines: all + 1, Read: all},
		}},
		{"none", nothing, []string{none, empty}, []fileRead{{Format: "unknown", encoding: "UTF-8", Lines: 2}, {Format: "unknown", encoding: "UTF-8"}}},
		{"no lines at all", "", []string{empty}, []fileRead{{Format: "unknown", encoding: "UTF-8"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := exitOK
			if test.fault != "" {
				want = exitFailed
			}
			code, text, stderr := carry(t, append([]string{"replay", rules}, test.logs...)...)
			if code != want || !strings.Contains(stderr, test.fault) || strings.Contains(stderr, "--help") {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
			code, stdout, _ := carry(t, append([]string{"replay", "--json", rules}, test.logs...)...)
			got := strictly[replayJSON](t, stdout).Files
			if code != want || len(got) != len(test.want) {
				t.Fatalf("exit code %d, %+v", code, got)
			}
			for i, f := range test.want {
				f.Name = test.logs[i]
				if line := fmt.Sprintf("%s: %s, %s; %s, %d read\n", f.Name, f.Format, f.encoding, counted(f.Lines, "line"), f.Read); !strings.Contains(text, line) {
					t.Errorf("no %q in\n%s", line, text)
				}
				if f.encoding = ""; got[i] != f {
					t.Errorf("got %+v, want %+v", got[i], f)
				}
			}
		})
	}
	for name, want := range map[string]string{
		"iis": "IIS W3C", "frontdoor": "Azure Front Door", "vercel": "Vercel", "caddy": "JSON", "apache": "combined",
	} {
		_, stdout, _ := carry(t, "replay", "--json", rules, "internal/accesslog/testdata/logs/"+name+".log")
		if got := strictly[replayJSON](t, stdout).Files; len(got) != 1 || got[0].Format != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	code, _, stderr := carry(t, "diff", "--log", none, rules, rules)
	if code != exitFailed || !strings.Contains(stderr, nothing) {
		t.Errorf("diff: exit code %d, %q", code, stderr)
	}
}

// TestReplayTells that a log without user agents counts bots, and what it tells
// when it has all.
func TestReplayTells(t *testing.T) {
	rules := write(t, "goals.yaml", replayedRules)
	_, stdout, _ := carry(t, "replay", rules, write(t, "access.log", commonLog()))
	if want := "The user agent of 16 requests: bots among them"; !strings.Contains(stdout, want) {
		t.Errorf("no %q in\n%s", want, stdout)
	}
	_, stdout, _ = carry(t, "replay", rules, write(t, "access.log", jsonLog()))
	if strings.Contains(stdout, "user agent") {
		t.Errorf("it speaks of user agents:\n%s", stdout)
	}
	if want := "CONTACT_SENT: at most 1, depending on form.email\n"; !strings.Contains(stdout, want) {
		t.Errorf("no %q in\n%s", want, stdout)
	}
}

// TestReplayTakesToHold what a log does not tell.
func TestReplayTakesToHold(t *testing.T) {
	rules := write(t, "goals.yaml", `
version: 1
cookies: member
goals:
  - { goal: DATED, visit: /a, until: 2020-12-31 }
  - { goal: HOSTED, visit: /a, hosts: shop.example }
  - { goal: STAGED, visit: /a, env: staging }
  - { goal: NAMED, visit: /a, if: { cookie.member: present } }
  - { goal: CONFIRMED, submit: /b, success: confirmed }
  - { goal: EITHER, any: [ { submit: { path: /b, form: x } }, { visit: /a }, { visit: "/{page}" } ] }
  - { goal: DRAFTED, visit: /a, status: draft }
  - { goal: ONCE, visit: /a, count: once per session }
  - { goal: FOLLOWED, visit: /a, after: [NAMED, HOSTED], within: 1h }
`)
	log := write(t, "access.log",
		`{"method":"GET","uri":"/a","status":200,"ua":"`+person+`"}`+"\n"+
			`{"method":"POST","uri":"/b","status":200,"ua":"`+person+`"}`+"\n")
	_, stdout, _ := carry(t, "replay", rules, log)
	printed(t, stdout, log+": JSON, UTF-8; 2 lines, 2 read\n"+`
2 lines

GOAL       COUNT  GUESSED  WHY NOT
DATED      1      1
HOSTED     1      1
STAGED     1      1
NAMED      1      1
CONFIRMED  1      1
EITHER     1      0        not successful 1
DRAFTED    1      0        a draft, not sent
ONCE       1      1
FOLLOWED   1      1

What the log does not tell:
  DATED: at most 1, depending on the time
  HOSTED: at most 1, depending on hosts
  STAGED: at most 1, depending on env
  NAMED: at most 1, depending on cookie.member
  CONFIRMED: at most 1, depending on whether the application confirmed it
  ONCE: at most 1, depending on whether it had counted before (once per session)
  FOLLOWED: at most 1, depending on what came before (after NAMED, HOSTED within 1h)
  All goals: consent, opt-outs and prefetches; all counts are at most.
`)
}

// TestReplayCutShort ends while a log is read, and reads one that is broken.
func TestReplayCutShort(t *testing.T) {
	rules, log := write(t, "goals.yaml", fineRules), write(t, "access.log", combinedLog())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"replay", rules, log}, noEnv, &out, &errs); code != exitFailed || out.Len() > 0 || !strings.Contains(errs.String(), log+": stopped after 0 lines") {
		t.Errorf("exit code %d\n%s%s", code, &out, &errs)
	}
	broken := write(t, "access.log.gz", zipped(t, combinedLog())[:60])
	code, stdout, stderr := carry(t, "replay", "--json", rules, broken)
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, broken) {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestReplayKeepsNothing gives lines in a buffer that is written over, as
// readLog does: what is remembered must not change with it.
func TestReplayKeepsNothing(t *testing.T) {
	rules, err := goaltrack.ParseRules([]byte(replayedRules))
	if err != nil {
		t.Fatal(err)
	}
	replay := rules.NewReplay()
	buffer := make([]byte, 0, 200)
	add := func(method, target, agent string) {
		buffer = append(append(append(buffer[:0], method...), target...), agent...)
		rest := buffer[len(method):]
		line := accesslog.Line{Method: buffer[:len(method)], Target: rest[:len(target)], UserAgent: rest[len(target):], Status: 303}
		replay.Add(line.Entry())
	}
	for range 3 {
		add("POST", "/demo-request", person)
	}
	for range 2 {
		add("POST", "/call-me-back", person+" Edg/142.0")
	}
	clear(buffer)
	var got []string
	for _, s := range replay.Suggestions(5) {
		got = append(got, s.What)
	}
	printed(t, strings.Join(got, "\n"), "POST /demo-request was accepted 3 times\nPOST /call-me-back was accepted twice")
}

// TestReplayAllocates nothing for a line like others before it.
func TestReplayAllocates(t *testing.T) {
	rules, err := goaltrack.ParseRules([]byte(replayedRules))
	if err != nil {
		t.Fatal(err)
	}
	replay := rules.NewReplay()
	for _, l := range []struct {
		method, target string
		status         int
		agent          string
	}{
		{"GET", "/pricing", 200, person},
		{"GET", "/pricing?preview=1", 200, person},
		{"GET", "/pricing", 404, person},
		{"GET", "/pricing", 200, robot},
		{"GET", "/files/tea.pdf", 200, person},
		{"GET", "/static/app.js", 200, person},
		{"GET", "/unknown.pdf", 200, person},
		{"POST", "/demo-request", 303, person},
	} {
		line := accesslog.Line{
			Method: []byte(l.method), Target: []byte(l.target), Status: l.status, UserAgent: []byte(l.agent),
			Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		}
		if n := testing.AllocsPerRun(1000, func() { replay.Add(line.Entry()) }); n != 0 {
			t.Errorf("%s %s -> %d: %v allocations", l.method, l.target, l.status, n)
		}
	}
}

// BenchmarkReplay is the cost of a line once it is read: compare it with
// BenchmarkReadLog.
func BenchmarkReplay(b *testing.B) {
	rules, err := goaltrack.ParseRules([]byte(replayedRules))
	if err != nil {
		b.Fatal(err)
	}
	replay := rules.NewReplay()
	lines := make([]accesslog.Line, len(replayedLines))
	for i, l := range replayedLines {
		lines[i] = accesslog.Line{Method: []byte(l.method), Target: []byte(l.target), Status: l.status, UserAgent: []byte(l.agent)}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		replay.Add(lines[i%len(lines)].Entry())
	}
}

// TestReplayInPage: what happens inside a page is in no log, and replay and diff say of
// which goals that is.
func TestReplayInPage(t *testing.T) {
	before := write(t, "old.yaml", `goals:
  - {goal: CLICKED_IT, click: buy}
  - {goal: EITHER, any: [{click: buy}, {visit: /pricing}]}
  - {goal: SEEN_PAGE, visit: /pricing}
`)
	after := write(t, "new.yaml", `goals:
  - {goal: CLICKED_IT, click: { element: buy, to: tel }}
  - {goal: SEEN_PAGE, visit: /pricing}
  - {goal: RAISED, code: true}
`)
	log := write(t, "access.log", combinedLog())
	_, stdout, _ := carry(t, "replay", before, log)
	for _, want := range []string{
		"CLICKED_IT  ?      ?\n", "EITHER      2      0 ",
		"  CLICKED_IT: unknown, since it happens inside a page\n  EITHER: 2; and what happens inside a page\n  All goals:",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if _, stdout, _ = carry(t, "replay", "--json", before, log); !strings.Contains(stdout, `"unknown":["CLICKED_IT","EITHER"]`) {
		t.Errorf("no goals that are unknown in %s", stdout)
	}
	_, stdout, _ = carry(t, "diff", "--log", log, before, after)
	for _, want := range []string{
		"~ goal CLICKED_IT changed\n    + click.element: buy\n    + click.to: tel\n    - click: buy\n",
		"\nNo log shows what is raised in code or happens inside a page: CLICKED_IT, EITHER, RAISED.\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}
