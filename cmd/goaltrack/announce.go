package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/announce"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/plan"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/internal/web"
)

// announcer is the announce command. It sends an event for each goal, so that Sitecore's
// lists offer them before the first visitor reaches one.
type announcer struct {
	settings  *settings.Values
	rules     *goaltrack.Rules
	site      cdp.Site
	stdin     io.Reader         // nil: the process's own; tests set it
	transport http.RoundTripper // nil: the client's own; tests set it
}

func announceCommand() command {
	return command{
		name: "announce", summary: "send one event for each goal, so that the CDP knows them",
		operands: operands{value: "FILE", min: 1, max: 1, about: "the rule file"},
		note: `Sitecore offers an event type in its lists once it has seen one. This command makes
a guest of its own and sends an event for each live goal, with the values of the
goal's examples or made-up ones, and goalFrom="announce"; of goals with env:, those of
--env. With connector: cdp4s, one CDP4SGOAL follows, under a name of no goal. Nobody is identified, and
nothing is ordered: events of Sitecore's own, such as ORDER_CHECKOUT, are left out.

It names what it would send, and asks. The exit code is 0 if all was accepted, 1 if
not, or if the answer was no, and 2 if settings or rules have faults.
`,
		program: &announcer{},
	}
}

func (a *announcer) check(v *settings.Values, files []string) error {
	a.settings, a.site = v, tenant(v)
	faults := tenantFaults(v)
	if a.site != nil {
		faults = append(faults, asFlag(a.site.Validate()))
	}
	for _, s := range []struct {
		name string
		ok   func(string) bool
	}{{"currency", cdp.ValidCurrency}, {"channel", cdp.ValidChannel}} {
		if text := v.Text(s.name); text != "" && text != "auto" && !s.ok(text) {
			faults = append(faults, fmt.Errorf("%s: the CDP does not know %q", v.From(s.name), text))
		}
	}
	if len(files) > 0 {
		rules, err := goaltrack.LoadRules(files[0])
		a.rules, faults = rules, append(faults, err)
	}
	return errors.Join(faults...)
}

func (a *announcer) run(ctx context.Context, c console) error {
	events, skipped := announce.Of(plan.Of(a.rules), announce.Site{
		Env: a.settings.Text("env"), Currency: a.settings.Text("currency"), Connected: a.rules.Connected(),
	})
	for _, s := range skipped {
		say(c.stdout, "%s is left out: %s.\n", s.Goal, s.Why)
	}
	if len(events) == 0 {
		say(c.stdout, "There is no goal to announce.\n")
		return nil
	}
	for _, warning := range environmentWarnings(a.settings) {
		say(c.stdout, "warning: %s\n", warning)
	}
	where, who := whereTo(a.settings, a.site)
	say(c.stdout, "For a new guest of %s, %s would go to %s:\n", who, counted(len(events), "event"), where)
	for i := range events {
		say(c.stdout, "  %s\n", &events[i])
		if without := events[i].Without; len(without) > 0 {
			say(c.stdout, "    without %s: an example under examples: would tell the type\n", strings.Join(without, ", "))
		}
	}
	if !a.settings.On("yes") && !a.agreed(c) {
		say(c.stdout, "Nothing was sent.\n")
		return errSaid
	}
	return a.send(ctx, c, events)
}

// agreed asks. What is no clear yes is a no, and so is an input that has ended.
func (a *announcer) agreed(c console) bool {
	in := a.stdin
	if in == nil {
		in = os.Stdin
	}
	say(c.stdout, "Send them? [y/N] ")
	answer, _ := bufio.NewReader(in).ReadString('\n')
	say(c.stdout, "\n")
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

func (a *announcer) send(ctx context.Context, c console, events []announce.Event) error {
	options := cdp.Options{Timeout: a.settings.Time("timeout"), CreateTimeout: a.settings.Time("timeout"), UserAgent: "goaltrack-announce/" + cdp.Version}
	if a.transport != nil {
		options.HTTPClient = &http.Client{Transport: a.transport}
	}
	client, err := cdp.New(a.site, options)
	if err != nil {
		return err
	}
	defer client.Close()
	guest, err := client.CreateBrowser(ctx)
	if err != nil {
		return fmt.Errorf("the CDP makes no guest: %w", err)
	}
	base := cdp.Event{
		BrowserID: guest.ID, Language: cmp.Or(web.Language(a.settings.Text("language")), "EN"), Currency: a.settings.Text("currency"),
		Channel: cmp.Or(strings.ReplaceAll(a.settings.Text("channel"), "auto", ""), "WEB"),
	}
	sent := 0
	var faults []error
	for i := range events {
		base.RequestedAt = time.Now()
		if _, err := client.Send(ctx, events[i].On(base)); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", events[i].Goal, err))
			continue
		}
		sent++
	}
	say(c.stdout, "%d of %s accepted, of the browser ID\n  %s\n", sent, counted(len(events), "event"), guest.ID)
	if sent > 0 {
		say(c.stdout, "Sitecore shows them in the Event viewer at once, and offers them in segments after the night.\n")
	}
	return errors.Join(faults...)
}
