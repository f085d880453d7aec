package path

import (
	"regexp"

	"github.com/goaltrack/goaltrack/internal/web"
)

// Index finds what is filed under the templates that match a path. The cost
// does not grow with the number of templates: the index is a tree of segments,
// and a variable is a branch in it. A template whose parts do not align with
// segments hangs where it stops to align. Its regular expression decides on the
// rest of the path. The zero value is empty. When everything is added, many
// goroutines may call Find at the same time.
type Index[T any] struct {
	root node[T]
	// regexps are shared by templates of equal shape: ten thousand times
	// {id:[0-9]+} is one expression.
	regexps map[string]*regexp.Regexp
}

type node[T any] struct {
	// only is the child under the folded segment onlyKey, while there is
	// exactly one. A prefix that many templates share then costs a comparison,
	// not a hash.
	only    *node[T]
	onlyKey string
	literal map[string]*node[T] // by folded segment, if there are several
	lengths web.Lengths         // of their segments
	vars    []branch[T]         // by pattern of the variable
	ends    []entry[T]          // templates that end here
	loose   []entry[T]          // templates with a tail from here on
}

type branch[T any] struct {
	part part
	node *node[T]
}

type entry[T any] struct {
	method string
	tail   *regexp.Regexp // nil for what ends here
	value  T
}

// Add files v under the template, for requests of that method. It makes t share
// its regular expressions with templates of equal shape.
func (ix *Index[T]) Add(method string, t *Template, v T) {
	n := &ix.root
	for i := range t.parts {
		p := &t.parts[i]
		p.re = ix.shared(p.re)
		if p.isLiteral() {
			n = n.literalChild(p.literal)
		} else {
			n = n.varChild(p)
		}
	}
	if t.tail = ix.shared(t.tail); t.tail != nil {
		n.loose = append(n.loose, entry[T]{method, t.tail, v})
	} else {
		n.ends = append(n.ends, entry[T]{method, nil, v})
	}
}

// shared returns the first expression with the same text.
func (ix *Index[T]) shared(re *regexp.Regexp) *regexp.Regexp {
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

func (n *node[T]) literalChild(segment string) *node[T] {
	child := n.literal[segment]
	if n.only != nil && n.onlyKey == segment {
		child = n.only
	}
	if child != nil {
		return child
	}
	child = new(node[T])
	switch {
	case n.literal != nil:
		n.literal[segment] = child
		n.lengths.Add(segment)
	case n.only == nil:
		n.only, n.onlyKey = child, segment
	default:
		n.literal = map[string]*node[T]{n.onlyKey: n.only, segment: child}
		n.lengths.Add(n.onlyKey)
		n.lengths.Add(segment)
		n.only = nil
	}
	return child
}

func (n *node[T]) varChild(p *part) *node[T] {
	for i := range n.vars {
		if n.vars[i].part.pattern == p.pattern {
			return n.vars[i].node
		}
	}
	child := new(node[T])
	n.vars = append(n.vars, branch[T]{*p, child})
	return child
}

// Find appends to into what is filed for that method under templates that match
// the path, in no particular order. It allocates only if into has no room, or
// if a segment is longer than in any sensible address. A path longer than
// [MaxLength] matches nothing.
func (ix *Index[T]) Find(method, path string, into []T) []T {
	if len(path) > MaxLength {
		return into
	}
	return ix.root.find(method, path, into)
}

// find matches the rest of the path below n.
func (n *node[T]) find(method, rest string, found []T) []T {
	for i := range n.loose {
		if e := &n.loose[i]; e.method == method && e.tail.MatchString(rest) {
			found = append(found, e.value)
		}
	}
	if isEnd(rest) {
		for i := range n.ends {
			if e := &n.ends[i]; e.method == method {
				found = append(found, e.value)
			}
		}
		return found
	}
	segment, tail := NextSegment(rest)
	if n.only != nil {
		if foldsTo(segment, n.onlyKey) {
			found = n.only.find(method, tail, found)
		}
	} else if n.literal != nil {
		var buf [128]byte
		if key := AppendFold(buf[:0], segment); n.lengths.MayHave(len(key)) {
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
