package settings

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/internal/spelling"
)

// environment reads the variables of the rows. An empty variable counts as
// absent, as in a compose file. A variable that is spelled almost like one of
// the table is a fault. Other variables belong to somebody else.
func (t *Table) environment(rows []Setting, environ []string) (map[string]given, []error) {
	mine, all := map[string]string{}, map[string]bool{}
	for _, s := range t.Rows {
		if s.Kind == Group || !slices.ContainsFunc(s.Commands, t.Reads) {
			continue
		}
		all[t.Variable(s.Name)] = true
		if find(rows, s.Name) != nil {
			mine[t.Variable(s.Name)] = s.Name
		}
	}
	found, faults := map[string]given{}, []error(nil)
	for _, line := range environ {
		variable, text, _ := strings.Cut(line, "=")
		if runtime.GOOS == "windows" {
			variable = strings.ToUpper(variable) // which is how Windows compares them
		}
		text = trim(text)
		switch {
		case text == "":
		case mine[variable] != "":
			found[mine[variable]] = given{text: text, source: variable}
		case all[variable] || isFromKubernetes(t.Prefix, variable):
		default:
			if meant := t.almost(variable, all); meant != "" {
				faults = append(faults, fmt.Errorf("%s: there is no such variable; did you mean %s?", printable(variable), meant))
			}
		}
	}
	return found, faults
}

// fromKubernetes matches the variables that Kubernetes adds for a service,
// after its name. For a service goaltrack, it adds
// GOALTRACK_PORT=tcp://10.0.0.1:80
// (https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables).
var fromKubernetes = regexp.MustCompile(`^(|.*_)(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

func isFromKubernetes(prefix, variable string) bool {
	rest, ok := strings.CutPrefix(variable, prefix)
	return ok && fromKubernetes.MatchString(rest)
}

// almost returns the variable that was meant, or "". It is strict, because a
// program that does not start is worse than a variable that is overlooked.
func (t *Table) almost(variable string, all map[string]bool) (meant string) {
	plain, prefix := plainly(variable), plainly(t.Prefix)
	mine := begins(strings.ToUpper(trim(variable)), prefix)
	best := 3
	for candidate := range all {
		other := plainly(candidate)
		d := spelling.Distance(plain, other)
		if d > 0 && (!mine || !isSlip(plain[len(prefix):], other[len(prefix):], d)) {
			continue
		}
		if d < best || d == best && candidate < meant {
			best, meant = d, candidate
		}
	}
	return meant
}

// begins reports whether a name begins with the prefix as a whole word:
// GOALTRACKER_KEYS belongs to somebody else.
func begins(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && rest != "" && plainly(rest[:1]) == ""
}

// isSlip reports whether a name of distance d may be a typing error for another
// name. A short name is easily another word: POD is not POS.
func isSlip(name, other string, d int) bool {
	switch {
	case isAnagram(name, other):
		return d <= 2
	case len(other) <= 3:
		return d == 1 && len(name) != len(other)
	case len(other) <= 5:
		return d == 1
	}
	return d <= 2
}

// plainly returns a name without the characters that people forget or add in
// it.
func plainly(variable string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, variable)
}

// isAnagram reports whether two words have the same letters, as after a typing
// error.
func isAnagram(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// printable returns a name as a message can show it.
func printable(name string) string {
	if quoted := strconv.QuoteToASCII(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
