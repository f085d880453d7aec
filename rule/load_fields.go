package rule

import "go.yaml.in/yaml/v4"

// fields reads fields:, whose names depend on sends:, which may stand below it.
func (l *loader) fields(n *yaml.Node, at places) map[string]any {
	said := make(map[string]any)
	l.pairs(n, "fields:", "item_id: $form.sku", nil, func(name string, v *yaml.Node) {
		at["fields."+name] = v
		if v.Kind != yaml.SequenceNode {
			said[name] = l.identifier(v, name)
			return
		}
		list := make([]any, 0, len(v.Content))
		for _, item := range v.Content {
			list = append(list, l.scalar(item, name))
		}
		said[name] = list
	})
	return said
}

// identifier reads a literal, a $source, or { from: $source, hash: sha256 }.
func (l *loader) identifier(n *yaml.Node, name string) any {
	if n.Kind != yaml.MappingNode || looksLikeVariable(n) {
		return l.scalar(n, name)
	}
	var d IdentifierFrom
	l.pairs(n, name+":", "from: $app.customer", identifierKeys, func(key string, v *yaml.Node) {
		into := map[string]*string{"from": &d.From, "hash": &d.Hash, "expires": &d.Expires}[key]
		*into = l.text(v, key)
	})
	return d
}

var identifierKeys = []string{"from", "hash", "expires"}
