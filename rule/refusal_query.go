package rule

import (
	"bytes"
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// saying is what the query of an address says of a form.
type saying struct {
	failed, accepted bool
	word             string // the name of the parameter that says so
	pair             string // the same with its value
}

// sayingOf reads a query: error=1, errors[email]=required, status=failed, sent=0 and
// payment_status=declined say that the form failed, sent=1 and status=ok that it was
// accepted. Failure wins. If the form, of which that is the path, is there to cancel,
// cancelled=1 says nothing. to is the path that the query stands behind.
func sayingOf(query, form, to string) (s saying) {
	for query != "" {
		var pair string
		pair, query = nextPair(query)
		name, value, _ := strings.Cut(pair, "=")
		if name, value = unescaped(name), unescaped(value); name == "" {
			continue
		}
		switch failure, accepted := pairSays(name, value, to); {
		case failure != "" && undone[failure] != "" && containsFold(form, undone[failure]):
		case failure != "":
			return saying{failed: true, word: name, pair: pair}
		case accepted && !s.accepted:
			s = saying{accepted: true, word: name, pair: pair}
		}
	}
	return s
}

// nextPair cuts the first parameter off a query. Some programs part them by semicolons, as
// those of a path are (https://perldoc.perl.org/CGI#-newstyle_urls).
func nextPair(query string) (pair, rest string) {
	i := strings.IndexAny(query, "&;")
	if i < 0 {
		return query, ""
	}
	return query[:i], query[i+1:]
}

// besideQuery is what an address has of parameters beside its query: those of its path
// (/form;error=1), and those behind the #.
func besideQuery(location string) string {
	location, fragment, _ := strings.Cut(location, "#")
	path, _, _ := strings.Cut(location, "?")
	_, parameters, _ := strings.Cut(path, ";")
	if fragment = fragmentQuery(fragment); fragment == "" {
		return parameters
	}
	return parameters + "&" + fragment
}

// unescaped is a name or a value of a query. What is escaped badly, as in error=100%, stands for
// itself, as most servers read it: it may say that the form failed.
func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

var (
	// yes and no are what switches are set to.
	yes = []string{"", "1", "true", "yes", "y", "on", "ok"}
	no  = []string{"0", "-1", "false", "no", "n", "off", "none", "null", "[]", "{}", "nein", "non", "nee", "nej", "nao", "não"}
	// outcomes are words that are true if the form was accepted.
	outcomes = []string{
		"success", "successful", "ok", "sent", "thanks", "thankyou", "done", "subscribed", "submitted", "posted", "accepted", "confirmed",
		"registered", "received", "complete", "completed", "saved", "signedup", "joined", "valid", "mailsent", "emailsent", "messagesent", "formsent", "gesendet", "enviado", "inviato", "envoye", "added", "created", "updated", "approved", "paid",
	}
	// checks are words that are false if the form was refused. If they are true, more
	// may follow.
	checks = []string{"captcha", "recaptcha", "hcaptcha", "verified", "validated", "authorized", "authenticated", "mailed", "delivered", "erfolg", "succes", "successo", "sucesso", "exito", "éxito"}
	// statuses are names of parameters whose value is an outcome.
	statuses = []string{
		"status", "result", "outcome", "response", "state", "msg", "message", "notice", "alert", "flash", "form", "newsletter", "signup",
		"subscription", "submission", "contact", "payment", "success", "msgtype", "messagetype", "alerttype", "mail", "email", "login",
		"captcha", "auth", "reason", "type", "code", "registration", "subscribe", "order", "checkout", "transaction", "verification",
		"validation", "submit", "severity", "level", "class", "resultcode", "responsecode", "statuscode", "returncode", "paypal", "stripe", "klarna", "decision",
	}
	// statusEnds are how other such names end: redirect_status, paymentResult.
	statusEnds = []string{"status", "result", "outcome"}
	// numbered are those whose value may be a status of HTTP. form=404 and
	// payment=450 are numbers of another kind.
	numbered = []string{"status", "result", "outcome", "response", "state", "code", "statuscode"}
	failures = []string{
		"error", "errors", "err", "errs", "errno", "fail", "fails", "failed", "failure", "invalid", "denied", "declined", "rejected", "refused", "exception",
		"unauthorized", "unauthorised", "unsuccessful", "danger", "ko", "nok", "cancelled", "canceled", "aborted", "expired", "timeout", "blocked", "spam", "honeypot",
		"fehler", "erreur", "erreurs", "errore", "errori", "erro", "erros", "fout", "fouten", "virhe", "chyba", "błąd", "falha", "feil", "fejl", "hiba",
		"errmsg", "errormsg", "errcode", "errorcode", "errormessage", "errortext", "errorid", "errorno",
		"aspxerrorpath", // the page that failed, in ASP.NET
	}
	// unmet are such words in the value of a status. As names they say something
	// else: required=wheelchair.
	unmet = []string{"cancel", "abort", "abandoned", "required", "unpaid", "unverified", "already", "exists", "throttled", "warning", "decline", "refuse", "reject", "deny"}
	// faulty are such words that people also say of goods. subjects are statuses that may
	// repeat what the form was about. On a page of thanks they do:
	// /returns/thanks?reason=wrong_size, and reason=not_received.
	faulty   = []string{"missing", "incomplete", "bad", "duplicate", "wrong", "unavailable"}
	subjects = []string{"type", "reason", "form"}
	// plainest are those that say so as the value of any parameter. lang=ko is Korean.
	plainest = []string{"error", "errors", "fail", "failed", "failure", "invalid", "denied", "declined", "rejected", "refused", "unsuccessful", "expired"}
	// demands are names by which a log-in or another try is asked for, or that say why.
	demands = []string{
		"loginrequired", "authrequired", "needlogin", "needslogin", "captcharequired", "retry", "tryagain", "incomplete", "cancel", "missing", "missingfields",
		"ratelimit", "ratelimited", "throttled", "toomany", "toomanyrequests", "already", "alreadyregistered", "alreadysubscribed", "duplicate", "exists", "wrong", "soldout", "outofstock", "unavailable",
	}
	// free are words in the names of parameters that repeat what somebody wrote or
	// looks for, or that choose what a page shows, whatever it is.
	free = []string{
		"utm", "q", "s", "query", "search", "term", "keyword", "keywords", "tag", "tags", "title", "subject", "topic", "category", "name", "text", "product", "item", "slug",
		"filter", "campaign", "source", "medium", "ref", "plan", "service", "interest", "industry", "page", "view", "route", "r", "controller", "action", "task", "tab", "sort",
	}
	// addresses are how names of addresses end: cancel_url is where a payment page is
	// to lead.
	addresses = []string{"url", "uri", "page", "path", "link", "callback", "redirect"}
)

// restSays tells whether what an address has beside its path and its query says that a form
// failed: /form;error=1, #error=denied, as OAuth writes it, #contact-error, or #/login, which is a
// page of a script. to is its path.
func (x *Exchange) restSays(location, to string, leaves bool) refusal {
	if says := sayingOf(besideQuery(location), x.path, to); says.failed {
		return refusal{kind: refusedQuery, word: says.word}
	}
	_, fragment, _ := strings.Cut(location, "#")
	path, _, _ := strings.Cut(strings.TrimPrefix(fragment, "!"), "?")
	if path == "" || strings.Contains(path, "=") { // parameters, which are read
		return refusal{}
	}
	kind, word := refusalWord("/"+strings.TrimPrefix(path, "/"), x.path, "")
	if kind == wordError || kind == wordLogin && path[0] == '/' && !leaves {
		return refusal{kind: refusedWord, word: word}
	}
	return refusal{}
}

// fragmentQuery is what a fragment has of parameters: all of error=denied, and what stands
// behind the ? in /form?error=1.
func fragmentQuery(fragment string) string {
	if _, query, ok := strings.Cut(fragment, "?"); ok {
		return query
	}
	if strings.Contains(fragment, "=") {
		return fragment
	}
	return ""
}

// pairSays judges one parameter. failure is the word by which it says that the form
// failed, "" if it does not. to is the path of the address.
func pairSays(name, value, to string) (failure string, accepted bool) {
	var text, valueText [64]byte
	var ends, valueEnds [maxWords + 1]int
	n := appendPhrase(phrase{text[:0], ends[:0]}, name)
	v := appendPhrase(phrase{valueText[:0], valueEnds[:0]}, value)
	whole, last := string(n.text), n.last()
	plain := strings.ToLower(strings.TrimSpace(value))
	isNo := slices.Contains(no, plain)
	if failure = cmp.Or(n.find(failures), n.endsAs(), find(demands, whole)); failure != "" {
		if isNo || len(n.ends) > 1 && slices.Contains(addresses, last) {
			return "", false
		}
		return failure, false
	}
	isStatus := slices.Contains(statuses, whole) || slices.Contains(statusEnds, last)
	switch {
	case slices.Contains(outcomes, last), slices.Contains(outcomes, whole):
		switch isNot := string(n.word(0, 1)) == "not"; {
		case isNo && isNot:
			return "", false
		case isNo, isNot && slices.Contains(yes, plain):
			return whole, false
		case slices.Contains(yes, plain):
			return "", true
		}
		isStatus = true
	case isNo && (slices.Contains(checks, last) || slices.Contains(checks, whole)):
		return whole, false
	}
	switch {
	case strings.Contains(value, "@"): // somebody's address
		return "", false
	case isStatus:
		if saysNo(whole, last, plain, len(v.ends)) {
			return plain, false
		}
		failure = cmp.Or(v.find(failures), v.endsAs(), v.find(unmet))
		if failure == "" && (!slices.Contains(subjects, whole) || !isThanks(to)) {
			failure = cmp.Or(v.find(faulty), v.denies())
		}
		return failure, slices.Contains(outcomes, string(v.text))
	case n.find(free) == "": // else these may be words of the visitor's
		return cmp.Or(find(plainest, v.last()), v.endsAs()), false
	}
	return "", false
}

// saysNo reports whether the value of a status is that of a fault: result=false,
// status=422.
func saysNo(name, last, value string, words int) bool {
	switch value {
	case "false", "no", "n", "-1":
		return slices.Contains(statusEnds, last)
	}
	return (slices.Contains(numbered, name) || last == "status") && len(value) == 3 && (value[0] == '4' || value[0] == '5') && words == 1
}

// denies finds what a sentence says of a form that failed: that something was not sent, or
// went wrong. It looks at words that mean it only together, or in an apology. Who is thanked, or
// has mail, may be asked for something as well: please check your inbox.
func (p *phrase) denies() string {
	accepted := p.find(mailboxes) != ""
	for i, not := 0, 0; i < len(p.ends); {
		kind, word, end := p.next(i)
		switch {
		case accepted && kind == wordError && bytes.HasPrefix(word, []byte("please")):
		case kind == wordError && end-i > 1, slices.Contains(apologies, string(word)):
			return string(word)
		case kind == wordNot:
			not = end
		case kind == wordDone && not > 0 && i-not <= 1: // not sent, not been sent
			return "not" + string(word)
		case kind == wordDone:
			accepted = true
		}
		i = end
	}
	return ""
}

var (
	apologies = []string{"oops", "whoops", "unfortunately", "leider"}
	mailboxes = []string{"inbox", "mailbox"}
)

// find is the first of the words that is in the list, "" if none is.
func (p *phrase) find(list []string) string {
	for i := range p.ends {
		if word := find(list, string(p.word(i, i+1))); word != "" {
			return word
		}
	}
	return ""
}

func find(list []string, word string) string {
	if slices.Contains(list, word) {
		return word
	}
	return ""
}

// last is the last of the words, "" if there is none.
func (p *phrase) last() string {
	n := len(p.ends)
	if n == 0 {
		return ""
	}
	return string(p.word(n-1, n))
}

// endsAs is the last of the words if that of an error is written to its end: formerror.
func (p *phrase) endsAs() string {
	if last := p.last(); isFaultEnd(last) {
		return last
	}
	return ""
}

// saysNew reports whether the query says that the form was accepted, and is not just that
// of the page it was on, from an earlier time. A form that stands on every page, as for a
// newsletter, leads back to where its sender was.
func (x *Exchange) saysNew(says saying, pageQuery string) bool {
	return says.accepted && !slices.Contains(strings.Split(pageQuery, "&"), says.pair)
}

// leadsBack finds the parameter by which a log-in page remembers the form or its
// page, to go there afterwards.
func (x *Exchange) leadsBack(query, page string) (name string) {
	for query != "" {
		var pair, value string
		pair, query, _ = strings.Cut(query, "&")
		if name, value, _ = strings.Cut(pair, "="); value == "" || !isReturnName(name) {
			continue
		}
		address := unescaped(value)
		if strings.HasPrefix(strings.ToLower(address), "%2f") { // encoded twice
			if once, err := url.PathUnescape(address); err == nil {
				address = once
			}
		}
		back, _, ok := x.resolve(address)
		if ok && (x.isForm(back) || page != "" && sameAddress(back, page)) {
			return name
		}
	}
	return ""
}

// isReturnName recognises the parameters in which log-in pages keep where to go
// afterwards: ReturnUrl, next, redirect_to, destination, came-from.
func isReturnName(name string) bool {
	var text [64]byte
	var ends [maxWords + 1]int
	p := appendPhrase(phrase{text[:0], ends[:0]}, unescaped(name))
	return slices.Contains(returnNames, string(p.text))
}

var returnNames = []string{
	"return", "returnto", "returnurl", "returnuri", "returnpath", "returnpage", "next", "nexturl", "nextpage", "redirect", "redirectto",
	"redirecturl", "redirecturi", "redirectpath", "continue", "continueto", "continueurl", "goto", "gotourl", "back", "backto", "backurl",
	"destination", "dest", "redir", "ret", "requesturi", "requesturl", "requestedurl", "originalurl", "origurl", "forward", "forwardto", "targetpath", "rd", "rurl", "ru", "retpath", "service", "callback", "callbackurl", "camefrom", "afterlogin", "targeturl", "target", "wreply", "relaystate",
}

// queryWord finds such a word where the query names the page, as in Joomla
// (?view=login), OpenCart (route=account/login), PrestaShop (controller=authentication), Zen
// Cart (main_page=login) and vBulletin (do=login).
func queryWord(query string) (kind wordKind, word string) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		if !slices.Contains(pageNames, name) {
			continue
		}
		if value = unescaped(value); !strings.ContainsAny(value, "0123456789") {
			if k, w := refusalWord("/"+strings.TrimLeft(value, "/"), "", ""); k == wordError || k != wordOther && kind != wordError {
				kind, word = k, w
			}
		}
	}
	return kind, word
}

var pageNames = []string{
	"view", "page", "route", "r", "controller", "action", "task", "do", "act", "mode", "op", "mod", "module", "main_page", "option", "func", "section", "p", "pg", "_a", "screen", "tpl", "template",
}
