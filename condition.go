package goaltrack

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// condition is one line of if: or unless:, compiled.
type condition struct {
	key  string // as written, for explanations
	from source
	test test
	// unless turns the condition round.
	unless bool
}

// test is the right side of a condition. Exactly one of its forms is set.
type test struct {
	present, absent bool
	equal           []string // any of them
	paths           []template
	re              *regexp.Regexp
	op              string // < <= > >=
	number          float64
}

// parseCondition compiles "form.email: present" and the like.
func parseCondition(key string, value any, unless bool) (condition, error) {
	c := condition{key: key, unless: unless}
	if kind, ok := bareSources[key]; ok {
		c.from.kind = kind
	} else {
		var err error
		if c.from, err = parseSourceName(key); err != nil {
			return c, fmt.Errorf("%w; conditions also know path, host, route and response.type", err)
		}
		if k := c.from.kind; k == sourcePath || k == sourceRedirect {
			return c, fmt.Errorf("write what %s may be in the template itself, such as {%s:[0-9]+}", key, c.from.name)
		}
	}
	var err error
	c.test, err = parseTest(value, c.from.kind == sourceWholePath)
	return c, err
}

func parseTest(value any, isPath bool) (t test, err error) {
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	if len(items) == 0 {
		return t, fmt.Errorf("the list is empty: nothing could ever match")
	}
	for _, item := range items {
		s, isText := item.(string)
		if !isText {
			if s, err = scalarText(item); err != nil {
				return t, err
			}
			t.equal = append(t.equal, s)
			continue
		}
		switch word, rest, _ := strings.Cut(s, " "); {
		case s == "present" && !isList:
			t.present = true
		case s == "absent" && !isList:
			t.absent = true
		case word == "~":
			if isList {
				return t, fmt.Errorf("a regular expression stands alone, not in a list: use | inside it")
			}
			if t.re, err = regexp.Compile(strings.TrimSpace(rest)); err != nil {
				return t, fmt.Errorf("%q is not a regular expression: %w", rest, err)
			}
		case word == "<" || word == "<=" || word == ">" || word == ">=":
			t.op = word
			if t.number, err = strconv.ParseFloat(strings.TrimSpace(rest), 64); err != nil {
				return t, fmt.Errorf("%q is not a number to compare with", rest)
			}
			if isList {
				return t, fmt.Errorf("a comparison stands alone, not in a list")
			}
		case isPath:
			p, err := parseTemplate(s)
			if err != nil {
				return t, err
			}
			t.paths = append(t.paths, p)
		default:
			t.equal = append(t.equal, s)
		}
	}
	return t, nil
}

// scalarText writes a YAML scalar as a visitor would send it.
func scalarText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	}
	return "", fmt.Errorf("a text, a number, a list of them, present, absent, ~ regex or > number is expected here")
}

// fold reports whether values of this source are compared without regard to
// case, as the names of hosts and media types are.
func (s *source) fold() bool { return s.kind == sourceHost || s.kind == sourceResponseType }

// holds evaluates the condition. A value that is too long fails it either way.
func (c *condition) holds(x *exchange) fate {
	v, ok := x.lookup(&c.from)
	if len(v) > maxInput || x.tooLong(&c.from) {
		return fateValueTooLong
	}
	if c.from.kind == sourceRoute && !ok {
		return fateRouteUnknown
	}
	if c.test.matches(v, ok && v != "", c.from.fold()) == c.unless {
		return fateCondition
	}
	return fired
}

func (t *test) matches(v string, present, foldCase bool) bool {
	switch {
	case t.present:
		return present
	case t.absent:
		return !present
	case t.re != nil:
		return t.re.MatchString(v)
	case t.op != "":
		n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return err == nil && compare(n, t.op, t.number)
	}
	for i := range t.paths {
		if _, ok := t.paths[i].capture(v, nil); ok {
			return true
		}
	}
	for _, e := range t.equal {
		if v == e || foldCase && strings.EqualFold(v, e) {
			return true
		}
	}
	return false
}

func compare(n float64, op string, with float64) bool {
	switch op {
	case "<":
		return n < with
	case "<=":
		return n <= with
	case ">":
		return n > with
	}
	return n >= with
}
