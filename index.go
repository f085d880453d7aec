package goaltrack

import (
	"regexp"

	"github.com/goaltrack/goaltrack/internal/web"
)

// index finds the triggers whose path matches, at a cost that does not grow
// with the number of goals: a tree of segments, in which a variable is a branch
// of its own. A template that does not align with segments hangs where it
// ceases to, and its regular expression decides on the rest of the path.
type index struct {
	root node
	// regexps are shared by templates of equal shape: ten thousand times
	// {id:[0-9]+} is one of them.
	regexps map[string]*regexp.Regexp
}

type node struct {
	// only is the child under the folded segment onlyKey, as long as there is
	// one: a prefix that many templates share costs a comparison, not a hash.
	only    *node
	onlyKey string
	literal map[string]*node // by folded segment, if there are several
	lengths web.Lengths      // of their segments
	vars    []branch         // by pattern of the variable
	ends    []*trigger       // templates that end here
	loose   []*trigger       // templates with a tail from here on
}

type branch struct {
	part part
	node *node
}

func (ix *index) add(t *trigger) {
	if t.kind == triggerCode || t.kind == triggerScript {
		return // no request makes it happen
	}
	n := &ix.root
	for i := range t.path.parts {
		p := &t.path.parts[i]
		p.re = ix.shared(p.re)
		if p.isLiteral() {
			n = n.literalChild(p.literal)
		} else {
			n = n.varChild(p)
		}
	}
	if t.path.tail = ix.shared(t.path.tail); t.path.tail != nil {
		n.loose = append(n.loose, t)
	} else {
		n.ends = append(n.ends, t)
	}
}

// shared returns the expression of the same text that came first.
func (ix *index) shared(re *regexp.Regexp) *regexp.Regexp {
	if re == nil {
		return nil
	}
	if first := ix.regexps[re.String()]; first != nil {
		return first
	}
	if ix.regexps == nil {
		ix.regexps = make(map[string]*regexp.Regexp)
	}
	ix.regexps[re.String()] = re
	return re
}

func (n *node) literalChild(segment string) *node {
	child := n.literal[segment]
	if n.only != nil && n.onlyKey == segment {
		child = n.only
	}
	if child != nil {
		return child
	}
	child = new(node)
	switch {
	case n.literal != nil:
		n.literal[segment] = child
		n.lengths.Add(segment)
	case n.only == nil:
		n.only, n.onlyKey = child, segment
	default:
		n.literal = map[string]*node{n.onlyKey: n.only, segment: child}
		n.lengths.Add(n.onlyKey)
		n.lengths.Add(segment)
		n.only = nil
	}
	return child
}

func (n *node) varChild(p *part) *node {
	for i := range n.vars {
		if n.vars[i].part.pattern == p.pattern {
			return n.vars[i].node
		}
	}
	child := new(node)
	n.vars = append(n.vars, branch{*p, child})
	return child
}

// find appends the triggers of that method whose path matches, in no particular
// order. It allocates only if found has no room or a segment is longer than
// those of any sensible address. A path beyond maxInput matches nothing.
func (ix *index) find(method, path string, found []*trigger) []*trigger {
	if len(path) > maxInput {
		return found
	}
	return ix.root.find(method, path, found)
}

// find goes on with what is left of the path below n.
func (n *node) find(method, rest string, found []*trigger) []*trigger {
	for _, t := range n.loose {
		if t.method == method && t.path.tail.MatchString(rest) {
			found = append(found, t)
		}
	}
	if isEnd(rest) {
		for _, t := range n.ends {
			if t.method == method {
				found = append(found, t)
			}
		}
		return found
	}
	segment, tail := nextSegment(rest)
	if n.only != nil {
		if foldsTo(segment, n.onlyKey) {
			found = n.only.find(method, tail, found)
		}
	} else if n.literal != nil {
		var buf [128]byte
		if key := appendFold(buf[:0], segment); n.lengths.MayHave(len(key)) {
			if child := n.literal[string(key)]; child != nil {
				found = child.find(method, tail, found)
			}
		}
	}
	for i := range n.vars {
		if b := &n.vars[i]; b.part.fits(segment) {
			found = b.node.find(method, tail, found)
		}
	}
	return found
}
