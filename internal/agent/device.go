package agent

// kind is what sort of device the whole agent speaks of, if it does.
type kind uint8

const (
	other kind = iota
	tv         // each comment is about the set
	phone      // one from before Android and iOS, whose name stands first
	alone      // a browser that does not call itself Mozilla
)

func (t *text) kindOf() kind {
	isMozilla := t.has(0, "mozilla")
	switch {
	case t.flags&television != 0:
		return tv
	case !isMozilla && (t.flags&old != 0 || t.begins(makers)):
		return phone
	case !isMozilla && t.begins(browsers):
		return alone
	}
	return other
}

// makers are the words by which old phones begin: "Nokia6300/2.0 (05.00)".
var makers = []string{
	"alcatel", "blackberry", "docomo/", "htc-", "htc/", "htc_", "huawei", "j-phone/", "karbonn", "kddi", "lenovo", "lg-", "lg/", "lge-", "micromax", "mot-", "motorola",
	"nec-", "nokia", "oppo", "palm", "panasonic", "pantech", "philips", "portalmmm/", "sagem", "samsung", "sanyo", "sec-", "sharp", "sie-", "softbank/",
	"sonim", "sonyericsson", "spice", "tecno", "tianyu", "toshiba", "vodafone/", "xiaomi", "zte",
}

// browsers are those that begin by another word than Mozilla: for a terminal, from
// the first years, or in apps. Some have no version: "Links (2.28; Linux 6.1)".
var browsers = []string{
	"[fb", "amaya/", "amiga-aweb", "bonecho", "bunjalloo", "dillo", "doris/", "dv(", "edbrowse", "elinks", "emacs-w3", "fban/", "hotjava", "iuc(", "juc(", "links (", "links/",
	"lynx", "midori", "mosaic", "ncsa mosaic", "ncsa_mosaic", "netsurf", "omniweb", "opera", "retawq", "smarttv_", "uc browser", "ucweb", "url/emacs", "uzbl", "vms_mosaic", "voyager",
	"w3m", "xchaos_arachne",
}

// systems are words and texts by which an agent names a system or a device that
// browsers run on.
var systems = []struct {
	flags                      flags
	words, beginnings, endings []string
}{
	// Their browsers name the device beside the system.
	{
		flags:      device | platform | mobile,
		words:      []string{"windows phone", "adr", "bada", "brew", "meego", "kaios", "build/", "fban", "fbav", "fbdv"},
		beginnings: []string{"android", "andr0id", "symbian", "series60", "series40", "tizen", "harmony", "openharmony"},
		endings:    []string{"dpi"},
	},
	{flags: device | platform | old, words: []string{"midp", "cldc", "wap", "wap1", "wap2"}},
	{flags: device, words: []string{"fb_iab"}},
	// Television and consoles.
	{
		flags:      television | platform,
		words:      []string{"smart-tv", "netcast", "web0s", "ce-html", "viera", "smarthub", "avdn"},
		beginnings: []string{"hbbtv", "smarttv", "googletv", "appletv", "playstation"},
	},
	// Systems that say nothing of the device.
	{
		flags: platform,
		words: []string{
			"x11", "konqueror", "tablet", "s60", "rex", "ps2", "ps3", "ps4", "xbox", "bb10", "playbook", "cros", "crkey", "sunos", "haiku", "beos", "syllable", "risc os", "os/2",
			"palm", "webos", "roku", "phone", "jig browser", "jig browser9", "jig browser9i", "inferno", "vms", "openvms", "irix", "irix64", "hp-ux", "aix", "kindle", "fuchsia", "maemo", "dreamcast", "sega",
			"ubuntu", "fedora", "debian", "cygwin_nt-5", "pc",
		},
		beginnings: []string{"mobile", "samsung", "nokia", "sonyericsson", "nintendo", "blackberry", "amiga", "morphos", "palmos", "serenity", "cygwin", "cellphone"},
		endings:    []string{"tv", "bsd"},
	},
	{flags: platform | desktop, beginnings: []string{"win", "linux", "mac"}},
	{
		flags:   shows,
		words:   []string{"applewebkit", "webkit", "gecko", "khtml", "goanna", "trident", "msie", "presto", "opera", "firefox", "chrome", "safari", "edge", "netfront", "libweb", "ladybird", "servo"},
		endings: []string{"browser"},
	},
	{flags: platform | mobile, beginnings: []string{"iphone", "ipad", "ipod"}},
	{flags: mobile, words: []string{"mobile"}},
	{flags: platform | msie, words: []string{"msie"}},
	// What is looked at elsewhere.
	{flags: machinely, words: []string{"compatible"}},
	{flags: top, words: []string{"com", "io", "ai", "ly", "gy", "net", "org"}},
	{flags: engine, words: []string{"applewebkit"}},
	{flags: acts, words: []string{"user"}, endings: []string{"agent"}},
	{flags: innocent, endings: []string{"browser"}},
}

// findDevices finds where the names of devices stand: in the comment with the
// system, and in what apps of Facebook and UC say in brackets.
func (t *text) findDevices() {
	for i := range t.comments[:t.nComment] {
		c := &t.comments[i]
		if t.kind == tv || c.flags&device != 0 || t.has(c.from, "(mobile;") || t.has(c.from, "(tablet;") || t.has(c.from, "(phone;") ||
			c.from > 1 && t.has(c.from-2, "dv(") {
			c.device = t.beforeCompatible(i)
		}
	}
}

// beforeCompatible is the end of the device in a comment: "compatible" begins what
// a machine says of itself, but not in "compatible; MSIE 10.0; Windows Phone 8.0".
func (t *text) beforeCompatible(comment int) int {
	if t.comments[comment].flags&machinely != 0 {
		for _, w := range t.words[:t.n] {
			if int(w.comment) == comment && w.flags&machinely != 0 && t.at(int(w.to)) == ';' && !t.has(int(w.to), "; msie") {
				return int(w.from)
			}
		}
	}
	return t.comments[comment].to
}

// isDevice says whether a word belongs to the name of a device. The agents of old
// phones begin by it.
func (t *text) isDevice(w *word) bool {
	switch {
	case w.comment != none:
		return int(w.from) < t.comments[w.comment].device
	case t.kind == phone && int(w.from) < t.first:
		return true
	}
	return w.bare
}
