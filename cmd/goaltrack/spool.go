package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/queue"
)

// spoolLooker is the spool command. It shows a directory of events, and sends
// again or removes those that were given up.
type spoolLooker struct {
	verb, dir          string
	goal, site, reason string
	json               bool
}

func spoolCommand() command {
	return command{
		name: "spool", summary: "look into a spool, and send dead letters again",
		operands: operands{value: "ls|retry|drop DIR", min: 2, max: 2, about: "what to do, and the directory of --spool or Delivery.SpoolDir"},
		note: `ls lists what waits and what was given up. It changes nothing and may look at a
spool in use. It shows type, age and reason, and no value that a visitor wrote.
retry queues dead letters again; they are delivered when the site starts. Those that
were too late to be sent (late) are left, unless --reason=late asks for them.
drop removes dead letters for good. "goaltrack forget" removes what is a person's.
The last two need a spool that no process is using: a running site can do the
same with Tracker.Resend. Of a spool with a directory for each process
(--spool-per-process), give them one of those.

With --json, ls prints an object a line, with the fields of goaltrack.DeadLetter
and "dead", "bytes" and "file".
`,
		program: &spoolLooker{},
	}
}

func (s *spoolLooker) check(v *settings.Values, words []string) error {
	s.goal, s.site, s.reason, s.json = v.Text("goal"), v.Text("site"), v.Text("reason"), v.On("json")
	if len(words) < 2 {
		return nil // said already
	}
	s.verb, s.dir = words[0], words[1]
	switch s.verb {
	case "ls", "retry":
	case "drop":
		if s.goal+s.site+s.reason == "" && !v.On("all") {
			return errors.New("drop: say which dead letters, or --all")
		}
	default:
		return fmt.Errorf("%q is not one of ls, retry, drop", s.verb)
	}
	switch info, err := os.Stat(s.dir); {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no directory", s.dir)
	}
	return checkSpool(s.dir)
}

// checkSpool keeps other directories from being taken for a spool in which nothing waits,
// the one of --state above all. An empty directory is as good as an empty spool.
func checkSpool(dir string) error {
	if holdsSpool(dir) {
		return nil
	}
	if inner := filepath.Join(dir, eventsDir); holdsSpool(inner) {
		return fmt.Errorf("%s holds no spool; did you mean %s?", dir, inner)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
		return err
	}
	return fmt.Errorf("%s holds no spool: it is the directory of --spool, or %s below that of --state", dir, eventsDir)
}

// holdsSpool reports whether a directory has what a spool has, or one for each process does.
func holdsSpool(dir string) bool {
	entries, _ := os.ReadDir(dir) // what cannot be read holds none
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		name := e.Name()
		return name == "lock" || name == "quarantine" || filepath.Ext(name) == ".seg" || filepath.Ext(name) == ".dead" || strings.HasPrefix(name, "process-")
	})
}

func (s *spoolLooker) run(_ context.Context, c console) error {
	if s.verb == "ls" {
		return s.list(c.stdout)
	}
	return s.settle(c)
}

// wanted reports whether the flags select an event.
func (s *spoolLooker) wanted(d goaltrack.DeadLetter) bool {
	return (s.goal == "" || s.goal == d.Goal) && (s.site == "" || s.site == d.Site) && (s.reason == "" || s.reason == d.Reason)
}

// spooled is an event as ls shows it.
type spooled struct {
	goaltrack.DeadLetter
	Dead  bool   `json:"dead"`
	Bytes int    `json:"bytes"`
	File  string `json:"file"`
}

func (s *spoolLooker) list(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	waiting, dead := 0, 0
	err := queue.InspectSpool(s.dir, func(e queue.SpoolEntry) error {
		line := spooled{goaltrack.DeadLetterOf(e.Letter), e.Dead, len(e.Body), e.File}
		switch {
		case !s.wanted(line.DeadLetter):
			return nil
		case e.Dead:
			dead++
		default:
			waiting++
		}
		if s.json {
			return sayJSON(out, line)
		}
		if waiting+dead == 1 {
			say(table, "STATE\tHAPPENED\tAGE\tTYPE\tGOAL\tSITE\tBROWSER\tBYTES\tREASON\n")
		}
		say(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", line.state(), line.Happened.UTC().Format(time.RFC3339),
			line.age(), cmp.Or(line.Type, line.Goal, "?"), cmp.Or(line.Goal, "?"), cmp.Or(line.Site, "?"), cmp.Or(line.Browser, "-"), line.Bytes, line.why())
		if (waiting+dead)%1000 == 0 {
			return table.Flush() // however long the list, little of it is in memory
		}
		return nil
	})
	if err = errors.Join(err, table.Flush()); err == nil && !s.json {
		say(out, "%s, %s\n", counted(waiting, "event")+" waiting", counted(dead, "dead letter"))
	}
	return err
}

// age is how long the event waits, or how long ago it was given up.
func (s *spooled) age() string {
	since := s.Happened
	if s.Dead {
		since = s.Died
	}
	switch age := max(time.Since(since), 0); {
	case age < time.Minute:
		return strconv.Itoa(int(age/time.Second)) + "s"
	case age < time.Hour:
		return strconv.Itoa(int(age/time.Minute)) + "m"
	case age < 48*time.Hour:
		return strconv.Itoa(int(age/time.Hour)) + "h"
	default:
		return strconv.Itoa(int(age/(24*time.Hour))) + "d"
	}
}

func (s *spooled) state() string {
	if s.Dead {
		return "dead"
	}
	return "waiting"
}

// why returns the reason and what the CDP wrote about it.
func (s *spooled) why() string {
	switch {
	case !s.Dead:
		return "-"
	case s.Explanation != "":
		return s.Reason + ": " + s.Explanation
	}
	return s.Reason
}

// settle queues dead letters again, or removes them.
func (s *spoolLooker) settle(c console) (err error) {
	what := map[string]string{"retry": "queued again", "drop": "dropped"}[s.verb]
	if !holdsSpool(s.dir) {
		say(c.stdout, "0 dead letters %s\n", what) // to open it would make a spool of it
		return nil
	}
	spool, err := queue.OpenSpool(s.dir, queue.SpoolOptions{})
	if errors.Is(err, queue.ErrLocked) {
		return fmt.Errorf("%s is in use: stop the site first, or call Tracker.Resend in it", s.dir)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close(context.Background())) }()
	choose := func(l queue.Letter) bool { return s.wanted(goaltrack.DeadLetterOf(l)) }
	n := 0
	if s.verb == "retry" {
		choose = func(l queue.Letter) bool {
			d := goaltrack.DeadLetterOf(l)
			return s.wanted(d) && (d.Reason != "late" || s.reason != "") // else it would open a session
		}
		n, err = spool.Resend(choose)
	} else {
		n, err = spool.Drop(choose)
	}
	say(c.stdout, "%s %s\n", counted(n, "dead letter"), what)
	return err
}
