// Lets one file of the ADL suite run by itself: does what other files of it do once, for all.
const path = require("path");

const ofTheSuite = (name) => require(path.join(process.cwd(), name));

ofTheSuite("node_modules/chai").use(ofTheSuite("node_modules/chai-things"));

before(function (done) {
    ofTheSuite("test/helper").setTimeMargin(done);
});
