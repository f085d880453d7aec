package metrics_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/metrics"
)

// filled are metrics of which every one has a sample.
func filled() *metrics.Metrics {
	m := metrics.New(metrics.Options{Lost: func() uint64 { return 0 }})
	m.Watch(func() goaltrack.Snapshot {
		s := goaltrack.Snapshot{Notes: map[string]uint64{"id_replaced": 1}}
		s.Dead, s.Dropped = map[string]uint64{"rejected_400": 1}, map[string]uint64{"damaged": 1}
		s.Delivery = []goaltrack.SiteState{{
			Site: "shop", State: "ok", Outcomes: map[string]uint64{"accepted": 1},
			Durations: cdp.Durations{Requests: 1, AtMost: []cdp.AtMost{{Time: time.Second, Requests: 1}}},
		}}
		return s
	})
	at := time.Unix(1, 0)
	m.Report(fact.Fact{Kind: fact.RulesChanged, Time: at})
	m.Report(fact.Fact{Kind: fact.Visit, Reason: fact.Fired, Time: at})
	m.Report(fact.Fact{Kind: fact.Decision, Goal: "SENT", Reason: fact.Fired, NearMiss: "nearly", Time: at, Value: fact.ValueOf(1, "EUR")})
	return m
}

var (
	named    = regexp.MustCompile(`goaltrack_[a-zA-Z0-9_]+`)
	selected = regexp.MustCompile(`(goaltrack_[a-zA-Z0-9_]+)\{([^}]*)\}`)
	matched  = regexp.MustCompile(`([a-z]+)(?:=~|!~|!=|=)"([^"]*)"`)
)

// faults are the metrics that a text names and nothing exposes, and the labels by which it
// selects and which they do not have. Prometheus itself adds job and instance.
func faults(text, exposed string) (list []string) {
	samples := map[string][]string{}
	for line := range strings.Lines(exposed) {
		if name, rest, _ := strings.Cut(strings.Fields(line)[0], "{"); name != "#" {
			samples[name] = append(samples[name], "{"+rest)
		}
	}
	for _, name := range named.FindAllString(text, -1) {
		if samples[name] == nil {
			list = append(list, name)
		}
	}
	for _, s := range selected.FindAllStringSubmatch(text, -1) {
		for _, m := range matched.FindAllStringSubmatch(s[2], -1) {
			has := regexp.MustCompile(`[{,]` + m[1] + `=`).MatchString
			if m[1] != "job" && m[1] != "instance" && samples[s[1]] != nil && !slices.ContainsFunc(samples[s[1]], has) {
				list = append(list, s[1]+"{"+m[1]+"}")
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// TestShippedFilesNameWhatIsExposed: the dashboard and the alerts ask for no metric that
// is not there, as a panel would be empty, and an alert silent for good.
func TestShippedFilesNameWhatIsExposed(t *testing.T) {
	exposed := read(t, filled())
	for _, file := range []string{"../grafana/dashboard.json", "../prometheus/alerts.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// In JSON the quotes of a selector are escaped.
		plain := strings.ReplaceAll(string(text), `\"`, `"`)
		if got := faults(plain, exposed); len(got) > 0 {
			t.Errorf("%s names what is not exposed: %q", file, got)
		}
		if n := len(selected.FindAllString(plain, -1)); n < 2 {
			t.Errorf("%s: %d selectors are found; it has more", file, n)
		}
	}
}

func TestFaultsOfShippedFilesAreFound(t *testing.T) {
	exposed := read(t, filled())
	for text, want := range map[string]string{
		`rate(goaltrack_cdp_request_duration_seconds_bucket{site="shop",le="1"}[5m])`:         "",
		`goaltrack_cdp_request_duration_seconds_sum / goaltrack_queue_events{instance=~"a"}`:  "",
		`goaltrack_cdp_request_duration_seconds`:                                              "goaltrack_cdp_request_duration_seconds",
		`goaltrack_goal_decision_total > 0`:                                                   "goaltrack_goal_decision_total",
		`goaltrack_queue_events{site="shop"}`:                                                 "goaltrack_queue_events{site}",
		`goaltrack_goal_decisions_total{fates="fired"} + goaltrack_site_state{stat!~"o\\|k"}`: "goaltrack_goal_decisions_total{fates} goaltrack_site_state{stat}",
	} {
		if got := strings.Join(faults(text, exposed), " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestAlertsAreWhole: every alert has what Prometheus and who is woken by it need.
func TestAlertsAreWhole(t *testing.T) {
	text, err := os.ReadFile("../prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil || len(file.Groups) != 1 {
		t.Fatalf("%d groups, %v", len(file.Groups), err)
	}
	names := map[string]bool{}
	for _, r := range file.Groups[0].Rules {
		if r.Alert == "" || names[r.Alert] || !named.MatchString(r.Expr) || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%+v", r)
		}
		names[r.Alert] = true
	}
	if len(names) != 8 {
		t.Errorf("%d alerts", len(names))
	}
}

// TestDashboardIsWhole: every panel has a place of its own and asks the data source that
// is chosen above it.
func TestDashboardIsWhole(t *testing.T) {
	text, err := os.ReadFile("../grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		UID, Title string
		Panels     []struct {
			ID          int
			Type, Title string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct {
				Expr       string
				Datasource struct{ UID string }
			}
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil || dashboard.UID == "" || dashboard.Title == "" || len(dashboard.Panels) < 10 {
		t.Fatalf("%q, %d panels, %v", dashboard.Title, len(dashboard.Panels), err)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range dashboard.Panels {
		if p.Title == "" || ids[p.ID] || (len(p.Targets) == 0) != (p.Type == "row") {
			t.Errorf("panel %d %q of type %s", p.ID, p.Title, p.Type)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			if !named.MatchString(target.Expr) || target.Datasource.UID != "${datasource}" {
				t.Errorf("%s: %+v", p.Title, target)
			}
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" || at[0] > 23 {
					t.Errorf("%q is at %v, where %q is", p.Title, at, taken[at])
				}
				taken[at] = p.Title
			}
		}
	}
}
