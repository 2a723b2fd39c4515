/* Puts the address that this page was reached by into the commands, behind a proxy and below a prefix, too. */
"use strict";

document.getElementById("base").textContent = new URL("fhir", document.baseURI).href;
