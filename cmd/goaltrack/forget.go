package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/internal/atrest"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/queue"
)

// forgetter is the forget command. It removes from spools what is somebody's: from that of
// events, and from that of messages to --notify.
type forgetter struct {
	dir, messages string // "" for none
	who           atrest.Person
	seal          *deliver.Seal
	keys          *atrest.Keys // of messages
	json          bool
}

func forgetCommand() command {
	return command{
		name: "forget", summary: "remove from a spool what waits of a person, and what was given up",
		operands: operands{value: "[DIR]", max: 1, about: "the directory of the spool, in place of --spool and --state"},
		note: `With --browser, it removes the events of a browser ID. With --email, it removes all
events that have the address or its SHA-256 in them, and all events of the browsers
that such an event says are theirs. What is removed is overwritten on the disk.

With --state, and with its directory as DIR, messages to --notify that wait go as
well. DIR may also be the directory of those messages alone.

Stop the site first: no process may use the spool. If one does, nothing is removed
from its directory, the command says which process it is, and the exit code is 1.
What waits there is sent to the CDP while the site runs, so ask Sitecore as well.

People's data are sealed if the site has keys. Then give the same --keys (better as
GOALTRACK_KEYS), the old ones among them. Without, --browser finds what is filed
under the ID, and --email finds nothing that is sealed.

What could not be read is named, such as files in quarantine. The exit code is 1
then, because the person's data may be among it. Nothing is removed from the CDP,
from an access log, or from the memory of a site that runs.

With --json, one object is printed:
  {"waiting":2,"dead":1,"settled":3,"messages":1,"closed":0,"unread":["quarantine/..."]}
"messages" are those of the removed ones that were messages to --notify.
`,
		program: &forgetter{},
	}
}

func (f *forgetter) check(v *settings.Values, words []string) error {
	f.json = v.On("json")
	f.find(v, words)
	f.who = atrest.Person{BrowserID: v.Text("browser"), Email: v.Text("email")}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case (f.who.BrowserID == "") == (f.who.Email == ""):
		fault("say whom to forget: --browser ID or --email ADDRESS")
	case f.who.BrowserID != "" && !cdp.ValidBrowserID(f.who.BrowserID):
		fault("%s: %q is not a browser ID such as 7f3d1c52-0c6b-4f6a-9a8e-2b1d5d1f0a11", v.From("browser"), f.who.BrowserID)
	case f.who.Email != "" && !strings.Contains(strings.Trim(f.who.Email, "@"), "@"):
		fault("%s: %q is not an e-mail address", v.From("email"), f.who.Email)
	}
	keys, err := parseKeys(v.List("keys"))
	if err != nil {
		fault("%s: %w", v.From("keys"), err)
	}
	secrets := make([]atrest.Secret, len(keys))
	for i, k := range keys {
		secrets[i] = atrest.Secret(k)
	}
	if f.seal, err = deliver.NewSeal(secrets...); err != nil {
		faults = append(faults, err)
	}
	if f.keys, err = atrest.New(atrest.MessageUse, secrets...); err != nil {
		faults = append(faults, err)
	}
	if f.dir == "" {
		fault("say where the spool is: --spool DIR, --state DIR, or the directory itself")
	} else if info, err := os.Stat(f.dir); err != nil {
		faults = append(faults, err)
	} else if !info.IsDir() {
		fault("%s is no directory", f.dir)
	} else if err := checkSpool(f.dir); err != nil { // else nothing would be found, and all would seem well
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// The names of spools in a directory of --state.
const (
	eventsDir   = "spool"
	messagesDir = "notify"
)

// find finds the spools. DIR may be one of them, or what --state names.
func (f *forgetter) find(v *settings.Values, words []string) {
	f.dir, f.messages = spoolDir(v), below(v.Text("state"), messagesDir)
	if len(words) > 0 {
		f.dir, f.messages = words[0], ""
		switch events, messages := filepath.Join(f.dir, eventsDir), filepath.Join(f.dir, messagesDir); {
		case isDirectory(events):
			f.dir, f.messages = events, messages
		case isDirectory(messages):
			f.dir = messages
		}
	}
	if !isDirectory(f.messages) {
		f.messages = ""
	}
}

func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// spools are where is searched. An event is told from a message by its first byte, so that
// either may be named.
func (f *forgetter) spools() []atrest.Spool {
	record := func(entry queue.SpoolEntry) (atrest.Record, error) {
		if atrest.IsMessage(entry.Body) {
			return f.keys.MessageRecord(entry)
		}
		return f.seal.Record(entry)
	}
	list := []atrest.Spool{{Dir: f.dir, Record: record}}
	if f.messages != "" {
		list = append(list, atrest.Spool{Dir: f.messages, Record: record})
	}
	return list
}

// forgotten is what --json prints.
type forgotten struct {
	Waiting  int      `json:"waiting"`
	Dead     int      `json:"dead"`
	Settled  int      `json:"settled"`
	Messages int      `json:"messages"`
	Closed   int      `json:"closed"`
	Unread   []string `json:"unread"`
}

func (f *forgotten) add(one *atrest.Forgotten, dir string) {
	f.Waiting, f.Dead, f.Settled, f.Closed = f.Waiting+one.Waiting, f.Dead+one.Dead, f.Settled+one.Settled, f.Closed+one.Closed
	for _, name := range one.Unread {
		f.Unread = append(f.Unread, filepath.Join(dir, name))
	}
}

func (f *forgetter) run(_ context.Context, c console) error {
	spools := f.spools()
	all, err := atrest.Forget(f.who, spools...)
	if locked, ok := errors.AsType[*queue.LockedError](err); ok {
		err = fmt.Errorf("%s is in use by %v: stop the site, forget, and start it again; nothing was removed there", locked.Dir, locked.Holder)
	}
	done := forgotten{Unread: []string{}}
	done.add(&all[0], "")
	if len(all) > 1 {
		done.add(&all[1], filepath.Base(f.messages))
		done.Messages = all[1].Waiting + all[1].Dead
	}
	slices.Sort(done.Unread)
	done.Unread = slices.Compact(done.Unread)
	if f.json {
		err = errors.Join(err, sayJSON(c.stdout, done))
	} else {
		say(c.stdout, "%s and %s removed; %s overwritten that had been delivered or given up before\n",
			counted(done.Waiting, "event")+" waiting", counted(done.Dead, "dead letter"), counted(done.Settled, "event"))
		if done.Messages > 0 {
			say(c.stdout, "%s of the removed ones waited for --notify\n", counted(done.Messages, "message"))
		}
	}
	if done.Closed > 0 {
		say(c.stderr, "goaltrack: %s could not be read, and may be theirs: give the keys by which they are sealed (--keys)\n", counted(done.Closed, "event"))
	}
	for _, name := range done.Unread {
		say(c.stderr, "goaltrack: %s could not be read, and may have more of them: remove it if nobody needs it\n", name)
	}
	missed := f.missed()
	if missed != "" {
		say(c.stderr, "goaltrack: %s was not searched, where messages to --notify may wait: forget there as well\n", missed)
	}
	if err == nil && (done.Closed+len(done.Unread) > 0 || missed != "") {
		return errSaid
	}
	return err
}

// missed is the directory of messages beside a spool that was named by itself, "" if there
// is none.
func (f *forgetter) missed() string {
	messages := filepath.Join(filepath.Dir(filepath.Clean(f.dir)), messagesDir)
	if f.messages != "" || filepath.Base(filepath.Clean(f.dir)) == messagesDir || !isDirectory(messages) {
		return ""
	}
	return messages
}
