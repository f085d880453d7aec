package idpool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// Unused is a browser ID that was made and that nobody was given.
type Unused struct {
	ID string `json:"id"`
	// Guest is the guest that the CDP made with it, "" if the CDP did not say.
	Guest string    `json:"guest,omitempty"`
	Made  time.Time `json:"made"`
}

// KeptAge is how long an unused ID is good if it is kept in a file.
const KeptAge = 24 * time.Hour

// Keep is a file in which unused IDs wait for the next process, so that they are no
// guests that nobody uses. No ID comes out of it twice, whatever happens: the file is
// taken away before its IDs are used. A process that is killed leaves none behind.
//
// Tenants share the file. Each has a name, and its IDs are good for it alone.
type Keep struct{ Path string }

// keptBytes bounds the file that is read.
const keptBytes = 1 << 20

// Take empties the file and returns what was in it, by tenant. IDs that are too old, or
// are none, are left out. Without a file there are none, and no error.
func (k Keep) Take() (map[string][]Unused, error) {
	dir, name := filepath.Split(k.Path)
	k.clean(dir, name)
	mine, err := os.CreateTemp(dir, name+takenInfix)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil // there is no directory yet
	case err != nil:
		return nil, err
	}
	defer func() { _ = os.Remove(mine.Name()) }()
	if err := mine.Close(); err != nil {
		return nil, err
	}
	// One of two processes gets the file. From here on nobody else finds it.
	if err := os.Rename(k.Path, mine.Name()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	text, err := readPlain(mine.Name())
	if err != nil {
		return nil, err
	}
	// The IDs are used only when the file is surely gone.
	if err := os.Remove(mine.Name()); err != nil {
		return nil, err
	}
	syncDir(dir)
	all := map[string][]Unused{}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", k.Path, err)
	}
	for tenant, list := range all {
		all[tenant] = good(list)
	}
	return all, nil
}

// good leaves out what cannot be used, and all but the newest.
func good(list []Unused) []Unused {
	now := time.Now()
	seen := map[string]bool{}
	list = slices.DeleteFunc(list, func(u Unused) bool {
		age := now.Sub(u.Made)
		bad := !cdp.ValidBrowserID(u.ID) || age < 0 || age >= KeptAge || seen[u.ID]
		seen[u.ID] = true
		return bad
	})
	for i := range list {
		if !cdp.ValidBrowserID(list[i].Guest) {
			list[i].Guest = "" // which is a UUID, too
		}
	}
	slices.SortStableFunc(list, func(a, b Unused) int { return a.Made.Compare(b.Made) })
	return list[max(len(list)-maxReady, 0):]
}

// Put writes the IDs, beside those that another process has put there meanwhile. The
// file has rights for the owner alone.
func (k Keep) Put(unused map[string][]Unused) error {
	all, err := k.Take()
	if all == nil || err != nil {
		all = map[string][]Unused{}
	}
	total := 0
	for tenant, list := range unused {
		all[tenant] = append(all[tenant], list...)
	}
	for tenant, list := range all {
		all[tenant] = good(list)
		total += len(all[tenant])
	}
	if total == 0 {
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	dir, name := filepath.Split(k.Path)
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(dir, name+takenInfix) // with the mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), k.Path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	syncDir(dir)
	return nil
}

// takenInfix is in the names of files that are being read or written.
const takenInfix = ".taken-"

// clean removes what a process left that ended while it read or wrote. Its IDs may have
// been used.
func (k Keep) clean(dir, name string) {
	entries, _ := os.ReadDir(filepath.Clean(dir))
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), name+takenInfix) && time.Since(info.ModTime()) > time.Minute {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// readPlain reads a file that is neither a link nor too large.
func readPlain(name string) ([]byte, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > keptBytes {
		return nil, fmt.Errorf("%s: it is no plain file of at most 1 MiB", name)
	}
	f, err := os.Open(name) //nolint:gosec // Beside the file that the user chose.
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, keptBytes))
}

// syncDir makes the names in the directory survive a loss of power, where that can be
// done.
func syncDir(dir string) {
	if d, err := os.Open(filepath.Clean(dir)); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
