package idpool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/logbook"
)

func keptID(n int) string { return fmt.Sprintf("%08x-1111-4111-8111-111111111111", n) }

func unused(from, n int, made time.Time) (list []Unused) {
	for i := range n {
		list = append(list, Unused{ID: keptID(from + i), Guest: keptID(5000 + from + i), Made: made})
	}
	return list
}

func taken(t *testing.T, k Keep, want map[string]int) {
	t.Helper()
	all, err := k.Take()
	if err != nil {
		t.Error(err)
	}
	for tenant, list := range all {
		if len(list) != want[tenant] {
			t.Errorf("%q has %d IDs, want %d", tenant, len(list), want[tenant])
		}
	}
	for tenant, n := range want {
		if len(all[tenant]) != n {
			t.Errorf("%q has %d IDs, want %d", tenant, len(all[tenant]), n)
		}
	}
}

// TestKeep: what is put there comes out once, by tenant, and only while it is good.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	k := Keep{filepath.Join(dir, "new", "ids.json")}
	now := time.Now()
	taken(t, k, nil)
	if err := k.Put(map[string][]Unused{"a": unused(0, 3, now), "b": unused(10, 2, now.Add(-23*time.Hour))}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(k.Path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("%v, %v", info, err)
	}
	// Another process ends, too.
	if err := k.Put(map[string][]Unused{"a": unused(2, 3, now), "c": append(unused(20, 1, now.Add(-25*time.Hour)), unused(21, 1, now.Add(time.Hour))...)}); err != nil {
		t.Fatal(err)
	}
	taken(t, k, map[string]int{"a": 5, "b": 2})
	taken(t, k, nil)
	if err := k.Put(map[string][]Unused{"a": unused(0, 1000, now)}); err != nil {
		t.Fatal(err)
	}
	taken(t, k, map[string]int{"a": maxReady})
	if err := k.Put(nil); err != nil {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(k.Path)); len(entries) != 0 {
		t.Errorf("%v is left", entries)
	}
}

// TestKeepOfABadFile: a file that others made, or a link, gives no IDs, and is gone
// afterwards.
func TestKeepOfABadFile(t *testing.T) {
	good, err := json.Marshal(map[string][]Unused{"a": unused(0, 1, time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, good, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, put := range map[string]func(path string) error{
		"no JSON":     func(path string) error { return os.WriteFile(path, []byte("{"), 0o600) },
		"no list":     func(path string) error { return os.WriteFile(path, []byte(`{"a":1}`), 0o600) },
		"too large":   func(path string) error { return os.WriteFile(path, make([]byte, keptBytes+1), 0o600) },
		"a link":      func(path string) error { return os.Symlink(other, path) },
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		k := Keep{filepath.Join(t.TempDir(), "ids.json")}
		if err := put(k.Path); err != nil {
			t.Fatal(err)
		}
		if all, err := k.Take(); err == nil || len(all) != 0 {
			t.Errorf("%s: %v, %v", name, all, err)
		}
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("what the link leads to is gone")
	}
	k := Keep{filepath.Join(t.TempDir(), "ids.json")}
	if err := os.WriteFile(k.Path, []byte(`{"a":[{"id":"<script>","made":"2026-01-01T00:00:00Z"},{"id":""}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	taken(t, k, nil)
}

// TestKeepOfManyProcesses: each ID comes out once, however many take and put.
func TestKeepOfManyProcesses(t *testing.T) {
	k := Keep{filepath.Join(t.TempDir(), "ids.json")}
	if err := k.Put(map[string][]Unused{"a": unused(0, 100, time.Now())}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			got, err := k.Take()
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, u := range got["a"] {
				seen[u.ID]++
			}
		})
	}
	all.Wait()
	if len(seen) != 100 {
		t.Errorf("%d came", len(seen))
	}
	for id, n := range seen {
		if n > 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

// TestPoolOfKeptIDs: a pool begins with what an earlier one left, makes no more than are
// missing, hands each out once, and leaves what is not used. They are good for a day.
func TestPoolOfKeptIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		create := func(context.Context) (cdp.Browser, error) {
			return cdp.Browser{ID: keptID(100 + int(made.Add(1)))}, nil
		}
		open := func(kept []Unused) *Pool {
			p := New(Options{Create: create, Budget: noLimit(), Note: func(string) {}, Log: slog.New(&logbook.Book{}), Warm: 2, Kept: kept})
			synctest.Wait()
			return p
		}
		p := open([]Unused{})
		p.Close()
		left := p.Unused()
		if len(left) != 2 || made.Load() != 2 {
			t.Fatalf("%d made, %d are left", made.Load(), len(left))
		}
		<-time.After(KeptAge / 2)
		p = open(left)
		if made.Load() != 2 || p.Size() != 2 || !p.Made(left[0].ID) {
			t.Errorf("%d made, %d ready", made.Load(), p.Size())
		}
		first := p.Take(Want{})
		if first != left[0].ID {
			t.Errorf("%q was given, %q is older", first, left[0].ID)
		}
		<-time.After(KeptAge / 4)
		p.Close()
		for _, u := range p.Unused() {
			if u.ID == first {
				t.Error("one that was given away is left")
			}
		}
		if id := p.Take(Want{}); id != "" {
			t.Errorf("%q was given after Close", id)
		}
		p = open(left[1:])
		<-time.After(KeptAge)
		for p.Size() > 0 {
			if id := p.Take(Want{}); id == left[1].ID {
				t.Error("one that is too old was given")
			}
		}
		p.Close()
	})
}

// TestPoolKeepsWhatComesLate: an ID that was asked for before the end and made after it
// is left, too.
func TestPoolKeepsWhatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		create := func(ctx context.Context) (cdp.Browser, error) {
			<-ctx.Done()
			return cdp.Browser{ID: keptID(1)}, nil
		}
		p := New(Options{Create: create, Budget: noLimit(), Note: func(string) {}, Log: slog.New(&logbook.Book{}), Warm: 1, Kept: []Unused{}})
		synctest.Wait()
		p.Close()
		if left := p.Unused(); len(left) != 1 {
			t.Errorf("%v is left", left)
		}
		failing := New(Options{
			Create: func(context.Context) (cdp.Browser, error) { return cdp.Browser{}, errors.New("no") },
			Budget: noLimit(), Note: func(string) {}, Log: slog.New(&logbook.Book{}), Warm: 1, Kept: []Unused{},
		})
		synctest.Wait()
		failing.Close()
		if left := failing.Unused(); len(left) != 0 {
			t.Errorf("%v is left", left)
		}
	})
}

// TestKeepGuests: the guest of an ID goes with it to the next process. What is none does
// not.
func TestKeepGuests(t *testing.T) {
	k := Keep{filepath.Join(t.TempDir(), "ids.json")}
	list := unused(0, 2, time.Now())
	list[1].Guest = "<script>"
	if err := k.Put(map[string][]Unused{"a": list}); err != nil {
		t.Fatal(err)
	}
	all, err := k.Take()
	if err != nil {
		t.Fatal(err)
	}
	none := func(context.Context) (cdp.Browser, error) { return cdp.Browser{}, errors.New("no") }
	p := New(Options{Create: none, Budget: noLimit(), Note: func(string) {}, Log: slog.New(&logbook.Book{}), Kept: all["a"]})
	defer p.Close()
	for i, want := range []string{keptID(5000), ""} {
		if got := p.Guest(keptID(i)); got != want || !p.Made(keptID(i)) {
			t.Errorf("the guest of ID %d is %q, want %q", i, got, want)
		}
	}
}
