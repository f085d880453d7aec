package rule

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// past reads after: and not after:, which are a goal, a list of them, or a mapping of each
// to how often.
func (l *loader) past(n *yaml.Node, key string, at places) (list []string, each map[string]Often) {
	if (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && len(n.Content) == 0 {
		l.fault(n, key+": names no goal", "name one, or leave "+key+": out")
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		if n.Kind == yaml.SequenceNode {
			for _, item := range n.Content {
				if item.Kind == yaml.MappingNode {
					l.fault(item, key+": a list has names only", "write all of them as lines, such as "+key+": { PRICES_READ: 1, PAGE_SEEN: 3 }")
					return nil, nil
				}
			}
		}
		return l.texts(n, key, at), nil
	}
	each = make(map[string]Often)
	l.pairs(n, key+":", key+": { PAGE_SEEN: 3 }", nil, func(name string, v *yaml.Node) {
		at[key+"."+name] = v
		each[name] = l.often(v, name)
	})
	return nil, each
}

// often reads a number of times, ever, or both as a mapping.
func (l *loader) often(n *yaml.Node, name string) (o Often) {
	const example = "a number of times in this session, ever, or { within: 30 days }"
	if n.Kind == yaml.MappingNode {
		l.pairs(n, name+":", "within: 30 days", []string{"times", "within"}, func(key string, v *yaml.Node) {
			if key == "within" {
				o.Within = l.text(v, key)
			} else {
				o.Times = l.times(v, key, "for example times: 3")
			}
		})
		return o
	}
	if n.Kind == yaml.ScalarNode && n.Value == everWord {
		return Often{Within: everWord}
	}
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		if _, err := parseSpan(n.Value); err == nil {
			l.fault(n, fmt.Sprintf("%s: %q is no number of times", name, n.Value), "write { within: "+n.Value+" }")
			return o
		}
	}
	o.Times = l.times(n, name, example)
	return o
}

// times reads a whole number, which is 1 if it is none.
func (l *loader) times(n *yaml.Node, what, example string) int {
	text := l.text(n, what)
	if text == "" {
		return 1
	}
	times, err := strconv.Atoi(text)
	if err != nil || n.ShortTag() != "!!int" || times == 0 {
		l.fault(n, fmt.Sprintf("%s: %q is no number of times", what, text), example)
		return 1
	}
	return times
}
