package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/internal/atrest"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/queue"
)

// forgetter is the forget command. It removes from a spool what is somebody's.
type forgetter struct {
	dir  string
	who  atrest.Person
	seal *deliver.Seal
	json bool
}

func forgetCommand() command {
	return command{
		name: "forget", summary: "remove from a spool what waits of a person, and what was given up",
		operands: operands{value: "[DIR]", max: 1, about: "the directory of the spool, in place of --spool and --state"},
		note: `With --browser, it removes the events of a browser ID. With --email, it removes all
events that have the address or its SHA-256 in them, and all events of the browsers
that such an event says are theirs. What is removed is overwritten on the disk.

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
  {"waiting":2,"dead":1,"settled":3,"closed":0,"unread":["quarantine/..."]}
`,
		program: &forgetter{},
	}
}

func (f *forgetter) check(v *settings.Values, words []string) error {
	f.json, f.dir = v.On("json"), spoolDir(v)
	if len(words) > 0 {
		f.dir = words[0]
	}
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
	if f.dir == "" {
		fault("say where the spool is: --spool DIR, --state DIR, or the directory itself")
	} else if info, err := os.Stat(f.dir); err != nil {
		faults = append(faults, err)
	} else if !info.IsDir() {
		fault("%s is no directory", f.dir)
	}
	return errors.Join(faults...)
}

// forgotten is what --json prints.
type forgotten struct {
	Waiting int      `json:"waiting"`
	Dead    int      `json:"dead"`
	Settled int      `json:"settled"`
	Closed  int      `json:"closed"`
	Unread  []string `json:"unread"`
}

func (f *forgetter) run(_ context.Context, c console) error {
	all, err := atrest.Forget(f.who, atrest.Spool{Dir: f.dir, Record: f.seal.Record})
	done := all[0]
	if locked, ok := errors.AsType[*queue.LockedError](err); ok {
		err = fmt.Errorf("%s is in use by %v: stop the site, forget, and start it again; nothing was removed there", locked.Dir, locked.Holder)
	}
	if f.json {
		err = errors.Join(err, sayJSON(c.stdout, forgotten{done.Waiting, done.Dead, done.Settled, done.Closed, append([]string{}, done.Unread...)}))
	} else {
		say(c.stdout, "%s and %s removed; %s overwritten that had been delivered or given up before\n",
			counted(done.Waiting, "event")+" waiting", counted(done.Dead, "dead letter"), counted(done.Settled, "event"))
	}
	if done.Closed > 0 {
		say(c.stderr, "goaltrack: %s could not be read, and may be theirs: give the keys by which they are sealed (--keys)\n", counted(done.Closed, "event"))
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(done.Unread))) {
		say(c.stderr, "goaltrack: %s could not be read, and may have more of them: remove it if nobody needs it\n", name)
	}
	if err == nil && done.Closed+len(done.Unread) > 0 {
		return errSaid
	}
	return err
}
