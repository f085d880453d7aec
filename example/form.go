package main

import (
	"net/http"
	"net/mail"
	"net/url"
	"strings"
)

// maxForm bounds what the shop reads of a form.
const maxForm = 64 << 10

// form is a form as its page shows it: what the visitor typed, and what is
// wrong with it.
type form struct {
	name   string
	values url.Values
	faults map[string]string
}

// field is one input of a form.
type field struct {
	ID, Name, Label, Type, Autocomplete, Value, Fault string
}

// emptyForm makes a form that nobody has filled in yet.
func emptyForm(name string) *form { return &form{name: name} }

// readForm reads a form that was sent. If it returns nil, it has already
// answered the request.
func readForm(w http.ResponseWriter, r *http.Request, name string) *form {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "This form could not be read.", http.StatusBadRequest)
		return nil
	}
	return &form{name: name, values: r.PostForm, faults: map[string]string{}}
}

// Value returns what the visitor typed into an input.
func (f *form) Value(name string) string { return strings.TrimSpace(f.values.Get(name)) }

// Fault returns what is wrong with an input.
func (f *form) Fault(name string) string { return f.faults[name] }

// Faulty reports whether anything is wrong.
func (f *form) Faulty() bool { return len(f.faults) > 0 }

// ID returns the HTML ID of an input.
func (f *form) ID(name string) string { return f.name + "-" + name }

// Field returns an input for the template of the same name. A password is
// never sent back.
func (f *form) Field(name, label, kind string) field {
	in := field{ID: f.ID(name), Name: name, Label: label, Type: kind, Autocomplete: name, Fault: f.Fault(name)}
	if kind == "password" {
		in.Autocomplete = "current-password"
		return in
	}
	in.Value = f.Value(name)
	return in
}

// need notes a fault unless the input was filled in.
func (f *form) need(name, fault string) {
	if f.Value(name) == "" {
		f.faults[name] = fault
	}
}

// needEmail notes a fault unless the input is an e-mail address.
func (f *form) needEmail(name string) {
	typed := f.Value(name)
	address, err := mail.ParseAddress(typed)
	if err != nil || address.Address != typed {
		f.faults[name] = "Please give an e-mail address such as you@example.com."
	}
}
