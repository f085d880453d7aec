package agent

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

const (
	chrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
	crawler = "Mozilla/5.0 (compatible; AcmeBot/2.1; +https://acme.example/bot)"
)

// TestJudge: what the owner of a site says wins over the lists, and a denial over
// what is allowed.
func TestJudge(t *testing.T) {
	for name, tt := range map[string]struct {
		allow, deny []string
		agent       string
		want        Verdict
	}{
		"a person":                 {nil, nil, chrome, Person},
		"a machine":                {nil, nil, crawler, Machine},
		"nothing":                  {nil, nil, "", Machine},
		"an allowed machine":       {[]string{"acmebot"}, nil, crawler, Allowed},
		"an allowed person":        {[]string{"chrome/143"}, nil, chrome, Allowed},
		"a denied person":          {nil, []string{"CHROME/143"}, chrome, Machine},
		"both":                     {[]string{"Chrome"}, []string{"Chrome"}, chrome, Machine},
		"a star":                   {nil, []string{"Windows*Safari"}, chrome, Machine},
		"the parts the wrong way":  {nil, []string{"Safari*Windows"}, chrome, Person},
		"parts that would overlap": {nil, []string{"Chrome/143*143"}, chrome, Person},
		"another":                  {[]string{"OtherBot"}, nil, crawler, Machine},
		"beyond the first bytes":   {nil, []string{"end"}, chrome + strings.Repeat(" ", 512) + "end", Person},
	} {
		t.Run(name, func(t *testing.T) {
			j := NewJudge(tt.allow, tt.deny)
			for _, when := range []string{"first", "from memory"} {
				if got := j.Of(tt.agent); got != tt.want {
					t.Errorf("%s: %d, want %d", when, got, tt.want)
				}
			}
		})
	}
}

// TestJudgeKeepsApart: agents in one place of the memory keep their own verdicts,
// whoever asks at the same time.
func TestJudgeKeepsApart(t *testing.T) {
	j := NewJudge(nil, nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 3000 {
				if got := j.Of(fmt.Sprint(chrome, " Acme/", i)); got != Person {
					t.Errorf("person %d: %d", i, got)
				}
				if got := j.Of(fmt.Sprint(crawler, i)); got != Machine {
					t.Errorf("machine %d: %d", i, got)
				}
			}
		})
	}
	all.Wait()
}
