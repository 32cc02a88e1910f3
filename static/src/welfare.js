// What makes the pages pleasanter where there is a script; every page works without it.

import { initAll } from "./govuk-frontend.min.js";

// The kit asks for its page template's mark before it does anything; an inline script, as there, the content policy forbids.
document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

// --- Larger letters, remembered on this device
const larger = document.querySelector("[data-larger-text]");
if (larger) {
  const apply = (on) => {
    document.documentElement.classList.toggle("welfare-larger", on);
    larger.setAttribute("aria-pressed", String(on));
  };
  let on = false;
  try {
    on = localStorage.getItem("larger-text") === "1";
  } catch {
    // A browser that keeps nothing: the button works for this page.
  }
  apply(on);
  larger.hidden = false;
  larger.addEventListener("click", () => {
    on = !on;
    apply(on);
    try {
      localStorage.setItem("larger-text", on ? "1" : "0");
    } catch {
      // As above.
    }
  });
}

// --- Reading aloud, where the device has a Vietnamese (or English) voice
const reader = document.querySelector("[data-read-aloud]");
if (reader && "speechSynthesis" in window) {
  const language = document.documentElement.lang || "vi";
  const voice = () => speechSynthesis.getVoices().find((one) => one.lang.toLowerCase().startsWith(language));
  const show = () => {
    reader.hidden = !voice();
  };
  show();
  speechSynthesis.addEventListener?.("voiceschanged", show);
  reader.addEventListener("click", () => {
    if (speechSynthesis.speaking) {
      speechSynthesis.cancel();
      return;
    }
    const text = document.getElementById("main-content").innerText.replace(reader.innerText, "");
    const spoken = new SpeechSynthesisUtterance(text);
    spoken.voice = voice();
    spoken.lang = spoken.voice.lang;
    spoken.rate = 0.9;
    speechSynthesis.speak(spoken);
  });
}

// --- Print, where the page offers it
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// --- Warn two minutes before the session closes; a page that is being filled in may stay
const seconds = Number(document.body.dataset.sessionSeconds);
const dialog = document.querySelector("[data-session-dialog]");
if (seconds && dialog?.showModal) {
  const stay = dialog.querySelector("[data-session-stay]");
  const left = dialog.querySelector("[data-session-left]");
  const WARNING = Math.min(120, seconds / 2);
  let ends;
  const begin = () => {
    ends = Date.now() + seconds * 1000;
  };
  begin();
  const clock = setInterval(() => {
    const remaining = Math.round((ends - Date.now()) / 1000);
    if (remaining <= 0) {
      clearInterval(clock);
      location.reload();
    } else if (remaining <= WARNING) {
      left.textContent = `${Math.floor(remaining / 60)}:${String(remaining % 60).padStart(2, "0")}`;
      if (!dialog.open) dialog.showModal();
    }
  }, 1000);
  const extend = async () => {
    const answer = await fetch(stay.dataset.address).catch(() => null);
    if (answer?.ok) {
      begin();
      dialog.close();
    } else {
      location.reload();
    }
  };
  stay.addEventListener("click", (event) => {
    event.preventDefault();
    extend();
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    extend();
  });
}

// --- Officers' keys: / search, J and K rows, Enter open
if (document.body.classList.contains("welfare-staff")) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
    const rows = [...document.querySelectorAll("[data-row] a")];
    const at = rows.indexOf(document.activeElement);
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    } else if (event.key === "j" && rows.length) {
      rows[Math.min(at + 1, rows.length - 1)].focus();
    } else if (event.key === "k" && rows.length) {
      rows[Math.max(at - 1, 0)].focus();
    }
  });
}
