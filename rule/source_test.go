package rule

import "testing"

func TestParseSource(t *testing.T) {
	for text, want := range map[string]source{
		"":                         {},
		"plain":                    {text: "plain"},
		"a $form.b":                {text: "a $form.b"},
		"$$5":                      {text: "$5"},
		"$$":                       {text: "$"},
		"$$$x":                     {text: "$$x"},
		"$form.topic":              {kind: sourceForm, name: "topic"},
		"$form.a.b":                {kind: sourceForm, name: "a.b"},
		"$form.items[0]":           {kind: sourceForm, name: "items[0]"},
		"$query.q":                 {kind: sourceQuery, name: "q"},
		"$path.id":                 {kind: sourcePath, name: "id"},
		"$redirect.id":             {kind: sourceRedirect, name: "id"},
		"$cookie.seg":              {kind: sourceCookie, name: "seg"},
		"$app.total":               {kind: sourceApp, name: "total"},
		"$app.password":            {kind: sourceApp, name: "password"},
		"$header.accept-language":  {kind: sourceHeader, name: "Accept-Language"},
		"$response.header.x-order": {kind: sourceResponseHeader, name: "X-Order"},
		"$response.header.X-A.b":   {kind: sourceResponseHeader, name: "X-A.b"},
	} {
		if got, err := parseSource(text); err != nil || got != want {
			t.Errorf("%q: %+v (%v), want %+v", text, got, err, want)
		}
	}
}
