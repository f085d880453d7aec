package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/crawl"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/draft"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/xpitems"
)

// initiator is the init command. It writes a first rule file, of what a log, a site or
// Sitecore XP shows.
type initiator struct {
	settings  *settings.Values
	from      []string          // logs, or one address
	transport http.RoundTripper // nil: that of net/http; tests set it
}

func initCommand() command {
	return command{
		name: "init", summary: "write a first rule file, from a log, a site or Sitecore XP",
		operands: operands{value: "LOG...|ADDRESS", about: "access logs (- is the standard input), or the address of a site such as https://shop.example/; none with --from-xp"},
		note: `A log shows which forms were accepted and where they led, and which files people
downloaded. Of an address, pages of that host are fetched one after the other, as far
as robots.txt allows; no form is sent, and no link with a query is followed.

With --from-xp, items of the Sitecore CLI or of Unicorn are read: each goal of the
Marketing Control Panel becomes a goal with its label and points. Pages whose field
__Tracking names it become visit:. A goal that no page names becomes a draft.

What is written has no faults ("goaltrack check") and comments on what to decide. A
file that is there stays as it is, unless --overwrite is given.
`,
		program: &initiator{},
	}
}

func isAddress(word string) bool {
	return strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://")
}

func (i *initiator) check(v *settings.Values, words []string) error {
	i.settings, i.from = v, words
	var faults []error
	xp := v.Text("from-xp")
	switch {
	case xp == "" && len(words) == 0:
		faults = append(faults, errors.New("LOG...|ADDRESS is needed, or --from-xp DIR: what to make the file of"))
	case xp != "" && len(words) > 0:
		faults = append(faults, fmt.Errorf("--from-xp and %q exclude each other", words[0]))
	case xp != "":
		faults = append(faults, isDir(xp))
	case isAddress(words[0]) && len(words) > 1:
		faults = append(faults, fmt.Errorf("%q: one address at a time", words[1]))
	case !isAddress(words[0]):
		if err := areThere(words); err != nil {
			faults = append(faults, siteMeant(words[0], err))
		}
	}
	if xp == "" && v.Given("start-item") {
		faults = append(faults, errors.New("--start-item needs --from-xp"))
	}
	out := v.Text("out")
	if _, err := os.Lstat(out); err == nil && out != standardInput && !v.On("overwrite") {
		faults = append(faults, fmt.Errorf("%s is there already: --overwrite writes over it, --out names another", out))
	}
	return errors.Join(append(faults, checkPrefix(v))...)
}

// siteMeant says how an address is written, if it seems to be meant in place of a log.
func siteMeant(word string, err error) error {
	host, _, _ := strings.Cut(word, "/")
	if _, there := os.Stat(word); there == nil || !strings.Contains(host, ".") || strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".log") {
		return err
	}
	return fmt.Errorf("%w (for a site write https://%s)", err, word)
}

func isDir(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("--from-xp: %s is no directory", name)
	}
	return err
}

func (i *initiator) run(ctx context.Context, out console) error {
	from := i.ofLogs
	switch {
	case i.settings.Given("from-xp"):
		from = i.ofXP
	case isAddress(i.from[0]):
		from = i.ofSite
	}
	file, err := from(ctx, out)
	if err != nil {
		return err
	}
	text, err := file.Text()
	if err != nil {
		return err
	}
	name := i.settings.Text("out")
	if name == standardInput {
		_, err = out.stdout.Write(text)
		return err
	}
	if err := i.write(name, text); err != nil {
		return err
	}
	say(out.stdout, "%s: %s. Read its comments, then run \"goaltrack check %s\".\n", name, counted(len(file.Goals), "goal"), name)
	return nil
}

// write makes the file. One that has come to be there in the meantime stays.
func (i *initiator) write(name string, text []byte) error {
	if info, err := os.Stat(name); err == nil && i.settings.On("overwrite") {
		var was []byte
		if info.Mode().IsRegular() {
			if was, err = os.ReadFile(name); err != nil { //nolint:gosec // The user names it.
				return err
			}
		}
		return replaceFile(name, was, text)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // A rule file is no secret, and the user names it.
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// ofLogs makes goals of what logs show.
func (i *initiator) ofLogs(ctx context.Context, out console) (*draft.File, error) {
	none, err := goaltrack.NewRules()
	if err != nil {
		return nil, err
	}
	replay := none.NewReplay()
	replay.PathPrefix = i.settings.Text("path-prefix")
	read, err := readLogs(ctx, i.from, out.stderr, replay.Add)
	if err := errors.Join(err, read.fault()); err != nil {
		return nil, err
	}
	file := &draft.File{
		About: []string{
			"Made by goaltrack init from " + strings.Join(baseNames(i.from), ", ") + ": " + read.String() + ".",
			"The forms that were accepted and the files that were downloaded most. Give the goals names",
			"and labels of your own, and remove what is none.",
		},
		Goals: draft.FromLog(replay.Suggestions(draft.Suggested), i.settings.Count("goals")),
	}
	if len(file.Goals) == 0 {
		return nil, fmt.Errorf("there is nothing to begin with: in %s, no form was accepted with a redirect and no document downloaded", read.String())
	}
	return file, nil
}

func baseNames(files []string) []string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = filepath.Base(f)
	}
	return names
}

// ofSite makes goals of what the pages of a site show.
func (i *initiator) ofSite(ctx context.Context, _ console) (*draft.File, error) {
	site, err := crawl.At(ctx, i.from[0], crawl.Options{Pages: i.settings.Count("pages"), Pause: i.settings.Time("pause"), Transport: i.transport})
	if err != nil {
		return nil, err
	}
	file := &draft.File{About: []string{
		fmt.Sprintf("Made by goaltrack init from %s: %s.", site.Host, counted(site.Pages, "page")),
		"The forms and files that these pages have. Pages that a script makes show none of theirs.",
	}}
	file.Goals, file.Left = draft.FromSite(site)
	if len(file.Goals) == 0 {
		return nil, nothing(file.Left, "there is nothing to begin with: no form and no document was found on %s of %s (pages that a script makes cannot be read)", counted(site.Pages, "page"), site.Host)
	}
	return file, nil
}

// nothing is the error for a file without goals, with what could not be read.
func nothing(left []string, format string, args ...any) error {
	faults := []error{fmt.Errorf(format, args...)}
	for _, line := range left {
		faults = append(faults, errors.New(line))
	}
	return errors.Join(faults...)
}

// ofXP makes goals of those of Sitecore XP.
func (i *initiator) ofXP(ctx context.Context, _ console) (*draft.File, error) {
	dir := i.settings.Text("from-xp")
	found, err := xpitems.ReadDir(ctx, os.DirFS(dir), xpitems.Options{StartItem: i.settings.Text("start-item")})
	if err != nil {
		return nil, err
	}
	if len(found.Goals) == 0 {
		return nil, nothing(found.Left, "%s has %s, and no goal: serialize /sitecore/system/Marketing Control Panel/Goals, and the pages", dir, counted(found.Items, "item"))
	}
	file := &draft.File{About: draft.AboutXP(found, filepath.Base(dir)), Goals: draft.FromXP(found)}
	for _, g := range found.Goals {
		if g.Points > 0 {
			file.Currency = "none"
		}
	}
	if len(found.Left) > 0 {
		file.Left = append([]string{"What has no counterpart, or could not be read:"}, found.Left...)
	}
	return file, nil
}
