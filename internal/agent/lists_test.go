package agent

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestListsOfOthers holds lists against ours that are not in this repository.
// .ci/agents downloads them and names them in two variables.
func TestListsOfOthers(t *testing.T) {
	machines, people := os.Getenv("GOALTRACK_MACHINES"), os.Getenv("GOALTRACK_PEOPLE")
	if machines == "" {
		t.Skip("bash .ci/agents runs this")
	}
	all, passed := 0, 0
	for _, ua := range machinesIn(t, machines) {
		all++
		if Sign(ua) == "" {
			passed++
			t.Logf("passes: %s", ua)
		}
	}
	t.Logf("of %d machines, %d pass as people (%.1f %%)", all, passed, 100*float64(passed)/float64(all))
	if passed*100 > all*3 {
		t.Error("more than 3 % pass as people")
	}
	for file := range strings.Lines(people) {
		all, refused := 0, 0
		for _, ua := range agentsIn(t, strings.TrimSuffix(file, "\n")) {
			all++
			if sign := Sign(ua); sign != "" {
				refused++
				t.Logf("refused, %s: %s", sign, ua)
			}
		}
		t.Logf("of %d in %s, %d are refused as machines", all, strings.TrimSuffix(file, "\n"), refused)
	}
}

// machinesIn are the user agents in crawler-user-agents, each once.
func machinesIn(t *testing.T, file string) (agents []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Pattern   string
		Instances []string
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, entry := range list {
		for _, ua := range entry.Instances {
			if !seen[ua] {
				seen[ua] = true
				agents = append(agents, ua)
			}
		}
	}
	if len(agents) < 1000 {
		t.Fatalf("the list has %d user agents: is its form another?", len(agents))
	}
	return agents
}
