package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// doctor is the doctor command. It asks a tenant what Sitecore's documentation
// leaves open, and says whether goals would arrive there.
type doctor struct {
	settings          *settings.Values
	json              bool
	site              cdp.Site
	attempt, readBack time.Duration
	askSession        bool
	askLocation       bool
	pause             time.Duration                        // that ends a session
	sleep             func(context.Context, time.Duration) // nil: until the time is over; tests set it
	transport         http.RoundTripper                    // nil: the client's own; tests set it
}

func doctorCommand() command {
	return command{
		name: "doctor", summary: "ask a tenant whether goals would arrive",
		note: `It makes a few guests in the tenant and sends them about a dozen events of the types
GOALTRACK_DOCTOR and GOALTRACK_DOCTOR_LIMITS, which say in ext.question what each
is for. Use a tenant, or a point of sale, for tests. With --ask-session it takes
longer than a session, and sends FORCE_CLOSE, which ends a session in a tenant for tests.

Each answer is a line: ok (as documented), found (nothing is documented), differs
(from what is documented), failed (goals would not arrive), or skipped.

With --json, what is printed is a list:
  [{"question":"...","verdict":"ok","found":"...","advice":"..."}]

The exit code is 1 if something failed, 0 if not, and 2 if the settings have faults.
`,
		program: &doctor{}, inOrder: true,
	}
}

func (d *doctor) check(v *settings.Values, _ []string) error {
	d.settings, d.json, d.site = v, v.On("json"), tenant(v)
	d.attempt, d.readBack = v.Time("timeout"), v.Time("patience")
	d.askLocation = v.On("ask-location")
	d.askSession, d.pause = v.On("ask-session"), cmp.Or(v.Time("session-length"), usualSession)
	faults := tenantFaults(v)
	if d.site != nil {
		faults = append(faults, asFlag(d.site.Validate()))
	}
	return errors.Join(faults...)
}

// run asks every question, also when ctx ends; then the answers say so.
func (d *doctor) run(ctx context.Context, c console) error {
	v, err := newVisit(d)
	if err != nil {
		return err
	}
	defer v.transport.close()
	report := &report{out: c.stdout}
	if d.json {
		report.out = io.Discard
	}
	say(report.out, "Asking %s for %s.\n\n", v.where, v.who)
	for _, q := range questions {
		report.add(q.name, q.ask(ctx, v))
		if v.patient.ID == "" {
			report.add("everything else", finding{Verdict: notAsked, Found: "there is no browser ID to ask with"})
			break
		}
	}
	say(report.out, "\n%s", v.whatToLookAt())
	if d.json {
		if err := sayJSON(c.stdout, report.findings); err != nil {
			return err
		}
	}
	if report.failed {
		return errSaid
	}
	return nil
}

// verdict says what an answer means.
type verdict string

const (
	asDocumented verdict = "ok"
	learned      verdict = "found"   // nothing is documented
	otherwise    verdict = "differs" // from what is documented
	broken       verdict = "failed"  // goals would not arrive
	notAsked     verdict = "skipped"
)

// finding is the answer to a question.
type finding struct {
	Question string  `json:"question"`
	Verdict  verdict `json:"verdict"`
	Found    string  `json:"found"`
	// Advice says what to do, or what the answer means for goals.
	Advice string `json:"advice,omitempty"`
}

// report prints each finding at once, because some take their time.
type report struct {
	out      io.Writer
	findings []finding
	failed   bool
}

func (r *report) add(question string, f finding) {
	f.Question = question
	r.findings = append(r.findings, f)
	r.failed = r.failed || f.Verdict == broken
	say(r.out, "%-8s %-24s %s\n", f.Verdict, f.Question, f.Found)
	if f.Advice != "" {
		say(r.out, "%-8s %-24s -> %s\n", "", "", f.Advice)
	}
}

// visit is one run of the questions: what they share and what they learn from
// each other.
type visit struct {
	site       cdp.Site
	where, who string
	client     *cdp.Client
	options    cdp.Options
	transport  *witness
	started    time.Time
	apiToken   string
	patience   time.Duration

	patient, stray cdp.Browser // the first has the events, the second those for no point of sale
	sent           int         // events that should show
	asked          *doctor
}

func newVisit(d *doctor) (*visit, error) {
	v := &visit{
		site: d.site, transport: newWitness(d.transport), started: time.Now(),
		apiToken: d.settings.Text("api-token"), patience: d.readBack, asked: d,
	}
	v.options = cdp.Options{
		HTTPClient: &http.Client{Transport: v.transport}, Timeout: d.attempt, CreateTimeout: d.attempt,
		UserAgent: "goaltrack-doctor/" + cdp.Version,
	}
	v.where, v.who = whereTo(d.settings, d.site)
	var err error
	v.client, err = cdp.New(v.site, v.options)
	return v, err
}

// as returns a client for another site of the same settings.
func (v *visit) as(site cdp.Site) (*cdp.Client, error) { return cdp.New(site, v.options) }

// event makes an event that says which question it is for.
func (v *visit) event(question string) *cdp.Event {
	e := cdp.Custom("GOALTRACK_DOCTOR", cdp.Ext{{Name: "question", Value: question}})
	e.BrowserID, e.Page, e.Language, e.Channel, e.RequestedAt = v.patient.ID, "doctor", "EN", "WEB", time.Now()
	return &e
}

// whatToLookAt says where Sitecore shows what was sent.
func (v *visit) whatToLookAt() string {
	if v.sent == 0 {
		return "Nothing was accepted, so there is nothing to look at in Sitecore.\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Accepted is not the same as visible. In Sitecore, look for the browser ID\n  %s\n", v.patient.ID)
	fmt.Fprintf(&b, "in the Event viewer: %d events of GOALTRACK_DOCTOR should show", v.sent)
	if v.stray.ID != "" {
		fmt.Fprintf(&b, ", and none for\n  %s\nwhose point of sale does not exist", v.stray.ID)
	}
	return b.String() + ".\n"
}
