package accesslog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

// vendorLogs are the files of testdata/logs/vendors. All tell of the same 30 requests,
// which are those of requests.want. A vendor's format lacks some fields, its file others in
// single lines, and has the fields of two lines in another order.
var vendorLogs = []struct {
	name, format string
	lacks        string // what the format does not tell
	without      []int  // lines without a referer beside line 6, if it is told at all
	named        int    // the line without a user agent, if it is told at all
}{
	{"nginx", "combined", "host type location", nil, 13},
	{"nginx_own", "combined", "host type location", nil, 13},
	{"apache", "combined", "type location", nil, 13},
	{"ingress_nginx", "combined", "host type location", nil, 13},
	{"traefik", "combined", "host type location", nil, 13},
	{"traefik_json", "JSON", "", nil, 13},
	{"cloudfront", "CloudFront", "location", []int{21, 22, 24, 25, 26, 28, 29}, 13},
	{"cloudfront_json", "CloudFront", "location", nil, 13},
	{"alb", "AWS load balancer", "referer type location", nil, 13},
	{"elb", "AWS load balancer", "referer type location", nil, 13},
	{"application_gateway", "Azure Application Gateway", "referer type location", nil, 13},
	{"cloudflare", "Cloudflare", "", nil, 13},
	{"fastly", "JSON", "type location", nil, 13},
	{"akamai", "Akamai DataStream", "location", nil, 13},
	{"netlify", "JSON", "bytes type location", nil, 13},
	{"google_cloud", "Google Cloud", "type location", nil, 13},
	{"envoy", "Envoy", "referer type location", nil, 13},
	{"istio", "Envoy", "referer type location", nil, 13},
	{"istio_json", "Envoy", "referer type location", nil, 13},
	{"pino_http", "JSON", "bytes", nil, 13},
	{"caddy", "JSON", "", nil, 13},
	{"haproxy", "HAProxy", "type location", nil, 13},
}

// vendorGoals is what is counted in each of them.
const vendorGoals = "PRICING_VIEWED 3, CAMPAIGN_FOLLOWED 1, ARTICLE_READ 3, SITE_SEARCHED 1, " +
	"CONTACT_SENT 1, NEWSLETTER_ORDERED 1, LIST_DOWNLOADED 2, FEED_VISITED 0"

func TestVendors(t *testing.T) {
	for _, v := range vendorLogs {
		t.Run(v.name, func(t *testing.T) {
			var want []string
			for i, line := range readLines(t, "requests.want") {
				lacks := strings.Fields(v.lacks)
				if i+1 == 6 || slices.Contains(v.without, i+1) {
					lacks = append(lacks, "referer")
				}
				if i+1 == v.named {
					lacks = append(lacks, "agent")
				}
				want = append(want, withoutFields(line, lacks))
			}
			path := filepath.Join("testdata/logs/vendors", v.name+".log")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			a, err := Read(t.Context(), bytes.NewReader(text), func(l *Line) {
				if l.ContentType != nil {
					l.ContentType, _, _ = bytes.Cut(l.ContentType, []byte(";"))
				}
				got = append(got, withoutFields(l.String(), nil))
			})
			if err != nil || a.Lines != 30 || a.Read() != 30 || a.Format() != v.format {
				t.Errorf("%+v, %s, %v", a, a.Format(), err)
			}
			for i := range want {
				if i >= len(got) || got[i] != want[i] {
					t.Fatalf("line %d is read as\n%s\nwant\n%s", i+1, got[min(i, len(got)-1)], want[i])
				}
			}
			if goals := countGoals(t, path); goals != vendorGoals {
				t.Errorf("%s", goals)
			}
		})
	}
}

func readLines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/logs/vendors", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// withoutFields removes fields from a line of a .want file.
func withoutFields(line string, names []string) string {
	for _, name := range names {
		if name == "bytes" {
			words := strings.SplitN(line, " ", 5)
			words[3] = "-1"
			line = strings.Join(words, " ")
			continue
		}
		before, rest, ok := strings.Cut(line, " "+name+`="`)
		if !ok {
			continue
		}
		_, after, _ := strings.Cut(rest, `"`)
		line = before + after
	}
	return strings.Replace(line, `; charset=utf-8"`, `"`, 1)
}

// countGoals says how often each goal of goals.yaml counts in a log.
func countGoals(t *testing.T, path string) string {
	t.Helper()
	rules, err := rule.Load("testdata/logs/vendors/goals.yaml")
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	replay := rules.NewReplay()
	if _, err := Read(t.Context(), log, func(l *Line) { replay.Add(l.Entry()) }); err != nil {
		t.Fatal(err)
	}
	var counts []string
	for _, c := range replay.Counts() {
		counts = append(counts, fmt.Sprintf("%s %d", c.Goal, c.Count))
	}
	return strings.Join(counts, ", ")
}
