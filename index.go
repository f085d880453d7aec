package goaltrack

// index finds the triggers whose path can match, at a cost that does not grow
// with the number of goals: a tree of segments, in which a variable is a branch
// of its own. Templates that do not align with segments hang at the last node
// of their literal prefix and are confirmed by their regular expression.
type index struct {
	root node
}

type node struct {
	literal map[string]*node // by folded segment
	vars    []branch         // by pattern of the variable
	ends    []*trigger       // templates that end here
	loose   []*trigger       // templates to be confirmed from here on
}

type branch struct {
	pattern string
	part    part
	node    *node
}

func (ix *index) add(t *trigger) {
	if t.kind == triggerCode {
		return
	}
	n := &ix.root
	if t.path.parts == nil {
		for _, segment := range t.path.prefix {
			n = n.literalChild(segment)
		}
		n.loose = append(n.loose, t)
		return
	}
	for _, p := range t.path.parts {
		if p.isLiteral() {
			n = n.literalChild(p.literal)
		} else {
			n = n.varChild(p)
		}
	}
	n.ends = append(n.ends, t)
}

func (n *node) literalChild(segment string) *node {
	if n.literal == nil {
		n.literal = make(map[string]*node)
	}
	child := n.literal[segment]
	if child == nil {
		child = new(node)
		n.literal[segment] = child
	}
	return child
}

func (n *node) varChild(p part) *node {
	for i := range n.vars {
		if n.vars[i].pattern == p.pattern {
			return n.vars[i].node
		}
	}
	child := new(node)
	n.vars = append(n.vars, branch{p.pattern, p, child})
	return child
}

// find appends the triggers of that method whose path matches, in no particular
// order. It allocates only if found has no room.
func (ix *index) find(method, path string, found []*trigger) []*trigger {
	return ix.root.find(method, path, trimPath(path), found)
}

func (n *node) find(method, path, rest string, found []*trigger) []*trigger {
	for _, t := range n.loose {
		if t.method == method && t.path.whole.MatchString(path) {
			found = append(found, t)
		}
	}
	segment, tail, more := nextSegment(rest)
	if !more {
		if rest == "" {
			for _, t := range n.ends {
				if t.method == method {
					found = append(found, t)
				}
			}
		}
		return found
	}
	if n.literal != nil {
		var buf [128]byte
		if child := n.literal[string(appendFold(buf[:0], segment))]; child != nil {
			found = child.find(method, path, tail, found)
		}
	}
	for i := range n.vars {
		if b := &n.vars[i]; b.part.fits(segment) {
			found = b.node.find(method, path, tail, found)
		}
	}
	return found
}
