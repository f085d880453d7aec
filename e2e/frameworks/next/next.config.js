// As in Sitecore's starter: one locale, which no page has in its address.
module.exports = { i18n: { locales: ["en"], defaultLocale: "en" } };
