package main

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/report/notify"
)

const (
	annsPhone  = "aaaaaaaa-0000-4000-8000-000000000001"
	annsLaptop = "aaaaaaaa-0000-4000-8000-000000000002"
	bobsPhone  = "bbbbbbbb-0000-4000-8000-000000000001"

	forgetKeys = "6161616161616161616161616161616161616161616161616161616161616161,62626262626262626262626262626262"
)

// persons leaves a spool with what Ann and Bob did while the CDP was down: each said who
// they are, and did something else; Ann on two devices, of which one never said so.
func persons(t *testing.T, dir string, keys string) {
	t.Helper()
	config := goaltrack.Config{Logger: slog.New(slog.DiscardHandler), Cookie: goaltrack.Cookie{Warm: -1}}
	var err error
	if config.Rules, err = goaltrack.ParseRules([]byte(`
goals:
  - { goal: JOINED, code: true, identityProvider: email, identify: { email: $app.email } }
  - { goal: HASHED, code: true, identityProvider: email, identify: { email: sha256($app.email) } }
  - { goal: CALLED, code: true }
  - { goal: WROTE, code: true, data: { text: $app.text } }
`)); err != nil {
		t.Fatal(err)
	}
	if keys != "" {
		if config.Keys, err = parseKeys(strings.Split(keys, ",")); err != nil {
			t.Fatal(err)
		}
	}
	stand := cdptest.NewServer(t, cdptest.Options{})
	stand.Fault(cdptest.Status(503).On(cdptest.Sends))
	config.Sites = []goaltrack.Site{{CDP: stand.Direct()}}
	config.Delivery = goaltrack.Delivery{SpoolDir: dir, SpoolWait: 10 * time.Second, BackoffBase: time.Minute}
	tracker, err := goaltrack.New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		browser, goal string
		data          goaltrack.Data
	}{
		{annsPhone, "JOINED", goaltrack.Data{"email": "Ann@Example.com"}},
		{annsPhone, "CALLED", nil},
		{annsLaptop, "CALLED", nil},
		{bobsPhone, "HASHED", goaltrack.Data{"email": "joann@example.com"}},
		{bobsPhone, "WROTE", goaltrack.Data{"text": "my mail is joann@example.com, not ann@example.com.au"}},
		{bobsPhone, "CALLED", nil},
	} {
		if err := tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: e.browser}, e.goal, e.data); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = tracker.Close(ctx)
	world.Released(t, dir)
}

// left are the events in a spool, by the browser's beginning.
func left(t *testing.T, dir string) map[string]int {
	t.Helper()
	found := map[string]int{}
	err := queue.InspectSpool(dir, func(e queue.SpoolEntry) error {
		found[e.Key]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// inFiles counts a text in the files of a directory.
func inFiles(t *testing.T, dir, text string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		n += strings.Count(string(content), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestForget: what is a person's is gone, and nobody else's.
func TestForget(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys string   // of the site
		args []string // DIR is the directory
		code int
		want forgotten
		left map[string]int
	}{
		"a browser": {
			args: []string{"--browser=" + strings.ToUpper(annsPhone), "DIR"},
			want: forgotten{Waiting: 3}, left: map[string]int{annsLaptop: 1, bobsPhone: 4},
		},
		"an address": {
			args: []string{"--email= ann@EXAMPLE.com ", "--spool=DIR"},
			want: forgotten{Waiting: 3}, left: map[string]int{annsLaptop: 1, bobsPhone: 4},
		},
		"an address that is known by its hash": {
			args: []string{"--email=joann@example.com", "DIR"},
			want: forgotten{Waiting: 4}, left: map[string]int{annsPhone: 3, annsLaptop: 1},
		},
		"nobody": {
			args: []string{"--email=carl@example.com", "DIR"},
			left: map[string]int{annsPhone: 3, annsLaptop: 1, bobsPhone: 4},
		},
		"sealed, with the key": {
			keys: forgetKeys, args: []string{"--email=ann@example.com", "--keys=" + forgetKeys, "DIR"},
			want: forgotten{Waiting: 3}, left: map[string]int{annsLaptop: 1, bobsPhone: 4},
		},
		"sealed, with an old key": {
			keys: forgetKeys, args: []string{"--email=ann@example.com", "--keys=" + strings.ReplaceAll(forgetKeys, "6", "7") + "," + forgetKeys, "DIR"},
			want: forgotten{Waiting: 3}, left: map[string]int{annsLaptop: 1, bobsPhone: 4},
		},
		"sealed, without the key": {
			keys: forgetKeys, args: []string{"--email=ann@example.com", "DIR"}, code: exitFailed,
			want: forgotten{Closed: 8}, left: map[string]int{annsPhone: 3, annsLaptop: 1, bobsPhone: 4},
		},
		"a browser, sealed, without the key": {
			keys: forgetKeys, args: []string{"--browser=" + annsPhone, "DIR"}, code: exitFailed,
			want: forgotten{Waiting: 3, Closed: 5}, left: map[string]int{annsLaptop: 1, bobsPhone: 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "spool")
			persons(t, dir, test.keys)
			args := append([]string{"forget", "--json"}, test.args...)
			for i, a := range args {
				args[i] = strings.Replace(a, "DIR", dir, 1)
			}
			code, stdout, stderr := outcome(t, args, nil)
			var got forgotten
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatalf("%v: %s%s", err, stdout, stderr)
			}
			if code != test.code || got.Waiting != test.want.Waiting || got.Closed != test.want.Closed || len(got.Unread) > 0 || (stderr == "") != (code == exitOK) {
				t.Errorf("exit code %d, %+v, want %+v\n%s", code, got, test.want, stderr)
			}
			if now := left(t, dir); len(now) != len(test.left) || now[annsPhone] != test.left[annsPhone] || now[bobsPhone] != test.left[bobsPhone] {
				t.Errorf("left are %v, want %v", now, test.left)
			}
			for key := range map[string]int{annsPhone: 0, bobsPhone: 0} {
				if n := inFiles(t, dir, key); (n == 0) != (test.left[key] == 0) {
					t.Errorf("%s is in the files %d times", key, n)
				}
			}
		})
	}
}

// TestForgetMessages: messages to --notify that wait are removed with the events of a
// person, also those of a browser that only an event says is theirs. They are sealed if
// there are keys, but for those whose rule names nothing that somebody wrote.
func TestForgetMessages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys, person string
		with         bool // the keys are given
		messages     int
		left         int
		code         int
		apart        bool // the two directories are named one by one
	}{
		"a browser":                   {person: "--browser=" + annsPhone, messages: 2, left: 2},
		"an address":                  {person: "--email=ann@example.com", messages: 3, left: 1},
		"an address, sealed":          {keys: forgetKeys, person: "--email=ann@example.com", with: true, messages: 3, left: 1},
		"a browser, without the keys": {keys: forgetKeys, person: "--browser=" + annsPhone, messages: 2, left: 2, code: exitFailed},
		"one by one":                  {person: "--browser=" + annsPhone, left: 2, apart: true},
	} {
		t.Run(name, func(t *testing.T) {
			state := t.TempDir()
			persons(t, filepath.Join(state, eventsDir), test.keys)
			messages(t, filepath.Join(state, messagesDir), test.keys)
			if n := inFiles(t, state, "written by"); (n == 0) != (test.keys != "") {
				t.Errorf("what was written is in the files %d times", n)
			}
			args := []string{"forget", "--json", test.person}
			if test.with {
				args = append(args, "--keys="+test.keys)
			}
			dirs := []string{state}
			if test.apart {
				dirs = []string{filepath.Join(state, eventsDir), filepath.Join(state, messagesDir)}
			}
			for i, dir := range dirs {
				code, stdout, stderr := outcome(t, append(args, dir), nil)
				var got forgotten
				if err := json.Unmarshal([]byte(stdout), &got); err != nil || got.Messages != test.messages {
					t.Errorf("%+v, %v, want %d messages", got, err, test.messages)
				}
				if told := strings.Contains(stderr, "was not searched"); told != (test.apart && i == 0) || code != test.code && !told {
					t.Errorf("exit code %d\n%s", code, stderr)
				}
			}
			n := 0
			for _, count := range left(t, filepath.Join(state, messagesDir)) {
				n += count
			}
			if n != test.left {
				t.Errorf("%d messages are left, want %d", n, test.left)
			}
			if test.keys == "" && inFiles(t, state, "written by ann") > 0 {
				t.Error("what Ann wrote is still in the files")
			}
		})
	}
}

// messages leaves a spool with messages about what Ann and Bob did, which nobody took.
func messages(t *testing.T, dir, keys string) {
	t.Helper()
	spool, err := queue.OpenSpool(dir, queue.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := notify.Options{URL: "http://127.0.0.1:1", Secret: testSecret, Queue: spool, Logger: slog.New(slog.DiscardHandler)}
	if keys != "" {
		parsed, err := parseKeys(strings.Split(keys, ","))
		if err != nil {
			t.Fatal(err)
		}
		o.Keys = keysOfMessages(parsed)
	}
	n, err := notify.New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []fact.Fact{
		{Browser: [16]byte{0xaa, 0xaa, 0xaa, 0xaa, 0, 0, 0x40, 0, 0x80, 15: 1}, Private: true, Data: []fact.Attribute{{Name: "text", Value: "written by ann"}}},
		{Browser: [16]byte{0xaa, 0xaa, 0xaa, 0xaa, 0, 0, 0x40, 0, 0x80, 15: 1}},
		{Private: true, Data: []fact.Attribute{{Name: "mail", Value: "written by ANN@example.com"}}},
		{Browser: [16]byte{0xbb, 0xbb, 0xbb, 0xbb, 0, 0, 0x40, 0, 0x80, 15: 1}, Private: true, Data: []fact.Attribute{{Name: "text", Value: "written by bob"}}},
	} {
		f.Kind, f.Reason, f.Time, f.Goal = fact.Decision, fact.Fired, time.Now(), "WROTE"
		n.Report(f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	for n.Counts().Waiting < 4 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
	_ = n.Close(ctx)
	world.Released(t, dir)
}

// TestForgetRefuses says what is missing, and what to do while a site runs.
func TestForgetRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	persons(t, dir, "")
	notes := write(t, "notes.txt", "no spool")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{dir}, "say whom to forget"},
		{[]string{dir, "--browser=" + annsPhone, "--email=a@b.example"}, "say whom to forget"},
		{[]string{dir, "--browser=42"}, `--browser: "42" is not a browser ID`},
		{[]string{dir, "--email=ann"}, `--email: "ann" is not an e-mail address`},
		{[]string{"--email=a@b.example"}, "say where the spool is"},
		{[]string{filepath.Dir(notes), "--email=a@b.example"}, "holds no spool"},
		{[]string{dir + ".old", "--email=a@b.example"}, "no such file"},
		{[]string{dir, "--email=a@b.example", "--keys=aa"}, "--keys: keys come in pairs, HASH,BLOCK, with the present pair first, and this is 1 key;"},
	} {
		if code, _, stderr := outcome(t, append([]string{"forget"}, test.args...), nil); code != exitUsage || !strings.Contains(stderr, test.want) {
			t.Errorf("%q: exit code %d, and not %q:\n%s", test.args, code, test.want, stderr)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(notes)); len(entries) != 1 {
		t.Error(entries, err)
	}
	spool, err := queue.OpenSpool(dir, queue.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spool.Close(t.Context()) }()
	code, stdout, stderr := outcome(t, []string{"forget", "--browser=" + annsPhone, dir}, nil)
	if code != exitFailed || !strings.Contains(stderr, "is in use by process ") || !strings.Contains(stderr, "stop the site") || strings.Contains(stdout, "3 event") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if n := left(t, dir)[annsPhone]; n != 3 {
		t.Errorf("%d events are left", n)
	}
}
