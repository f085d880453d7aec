package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
)

// watched is a rule file that is followed, in a bubble.
type watched struct {
	t       *testing.T
	path    string
	tracker *goaltrack.Tracker
	log     bytes.Buffer // written by the one goroutine that watches
}

// watch follows a file until the test ends.
func watch(t *testing.T, path string) *watched {
	t.Helper()
	w := &watched{t: t, path: path}
	rules, err := goaltrack.LoadRules(path)
	if err != nil {
		t.Fatal(err)
	}
	w.tracker, err = goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}},
		Rules: rules, DryRun: true, Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := followRules(t.Context(), w.tracker, path)
	t.Cleanup(func() {
		stop()
		_, _ = w.tracker.Close(context.Background())
	})
	synctest.Wait()
	return w
}

// looks waits until the file has been looked at so many times.
func (w *watched) looks(n int) {
	w.t.Helper()
	<-time.After(time.Duration(n)*2*time.Second + time.Millisecond)
	synctest.Wait()
}

// inForce fails unless the rules in force are of that text.
func (w *watched) inForce(text string) {
	w.t.Helper()
	rules, err := goaltrack.ParseRules([]byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	if got := w.tracker.Snapshot().RulesHash; got != rules.Hash() {
		w.t.Errorf("the rules in force are %s, want %s\n%s", got, rules.Hash(), &w.log)
	}
}

// says fails unless the log has the text so many times.
func (w *watched) says(text string, times int) {
	w.t.Helper()
	if got := strings.Count(w.log.String(), text); got != times {
		w.t.Errorf("%d times %q, want %d, in\n%s", got, text, times, &w.log)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// ruleNo is a rule file that differs from the others.
func ruleNo(n string) string {
	return "version: 1\ngoals:\n  - { goal: PAGE_" + n + ", visit: /pages/" + n + " }\n"
}

// Lines of the log.
const (
	newRules = "new rules in force"
	oldStay  = "the rules before it stay"
)

// TestWatch changes a file in the ways in which files are changed.
func TestWatch(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(w *watched)
	}{
		{"in place", func(w *watched) {
			put(w.t, w.path, ruleNo("2"))
			w.looks(2)
			w.inForce(ruleNo("2"))
			w.says(newRules, 1)
			w.says("goals are gone with the new rules, and count no more\" gone=1 goals=[PAGE_1]", 1)
		}},
		{"with one more", func(w *watched) {
			more := ruleNo("1") + "  - { goal: MORE, visit: /more }\n"
			put(w.t, w.path, more)
			w.looks(2)
			w.inForce(more)
			w.says("goals are gone", 0)
		}},
		{"by an editor that renames", func(w *watched) {
			put(w.t, w.path+".tmp", ruleNo("2"))
			rename(w.t, w.path+".tmp", w.path)
			w.looks(2)
			w.inForce(ruleNo("2"))
		}},
		{"gone for a moment", func(w *watched) {
			rename(w.t, w.path, w.path+".bak")
			w.looks(3)
			w.inForce(ruleNo("1"))
			w.says(oldStay, 1)
			put(w.t, w.path, ruleNo("2"))
			w.looks(2)
			w.inForce(ruleNo("2"))
		}},
		{"half-written", func(w *watched) {
			text := ruleNo("2")
			put(w.t, w.path, text[:len(text)-10])
			w.looks(1)
			put(w.t, w.path, text)
			w.looks(2)
			w.inForce(text)
			w.says(oldStay, 0)
		}},
		{"bad, then good", func(w *watched) {
			put(w.t, w.path, faultyRules)
			w.looks(5)
			w.inForce(ruleNo("1"))
			w.says(oldStay, 1)
			w.says(w.path+":4:12: goal a b:", 1)
			put(w.t, w.path, ruleNo("2"))
			w.looks(2)
			w.inForce(ruleNo("2"))
			w.says(newRules, 1)
		}},
		{"bad, then as before", func(w *watched) {
			put(w.t, w.path, faultyRules)
			w.looks(2)
			put(w.t, w.path, ruleNo("1"))
			w.looks(2)
			w.inForce(ruleNo("1"))
		}},
		{"not at all", func(w *watched) {
			w.looks(5)
			w.inForce(ruleNo("1"))
			w.says("msg=", 0)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.change(watch(t, write(t, "goals.yaml", ruleNo("1"))))
			})
		})
	}
}

// TestWatchSymlink changes a file as Kubernetes changes a ConfigMap: the file
// is a link into a folder that is itself a link, which is replaced.
func TestWatchSymlink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		volume := t.TempDir()
		publish := func(n string) {
			folder := filepath.Join(volume, "..version"+n)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(folder, "goals.yaml"), ruleNo(n))
			if err := os.Symlink(folder, filepath.Join(volume, "..data_tmp")); err != nil {
				t.Fatal(err)
			}
			rename(t, filepath.Join(volume, "..data_tmp"), filepath.Join(volume, "..data"))
		}
		publish("1")
		file := filepath.Join(volume, "goals.yaml")
		if err := os.Symlink(filepath.Join("..data", "goals.yaml"), file); err != nil {
			t.Fatal(err)
		}
		w := watch(t, file)
		publish("2")
		w.looks(2)
		w.inForce(ruleNo("2"))
		w.says(oldStay, 0)
	})
}

// TestProxyWatches changes the file under a proxy that runs.
func TestProxyWatches(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(&plainSite{})
	defer site.Close()
	file := write(t, "goals.yaml", ruleNo("1"))
	proxy := start(t, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL, "--cdp=http://127.0.0.1:9",
		"--client-key=key", "--pos=shop", "--env=production", "--watch", "--rules", file)
	put(t, file, ruleNo("2"))
	await(t, proxy, newRules)
	if code, _ := proxy.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, proxy.stderr)
	}
}

// await waits until the program has logged the text.
func await(t *testing.T, r *running, text string) {
	t.Helper()
	ctx, tick := deadline(t), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(r.stderr.String(), text) {
		select {
		case <-ctx.Done():
			t.Fatalf("no %q in\n%s", text, r.stderr)
		case <-tick.C:
		}
	}
}
