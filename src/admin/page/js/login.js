// The login page's form: the token goes into a header, once, and comes back as a cookie that no script
// can read.

const field = document.querySelector("#token-field");
const refusal = document.querySelector("#refusal");

document.querySelector("#login").addEventListener("submit", async (submission) => {
    submission.preventDefault();
    refusal.textContent = "";
    const why = await logIn(field.value.trim());
    if (!why) return location.replace("/");
    refusal.textContent = why;
    field.focus();
});

/** Why it did not work, or null. */
async function logIn(token) {
    if (!/^[\x21-\x7e]+$/.test(token)) return "That is no admin token: it has letters and digits only.";
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    try {
        const answer = await fetch("/api/login", { method: "POST", headers, body: "{}" });
        if (answer.ok) return null;
        if (answer.status === 401) return "That is not the admin token.";
        return (await answer.json()).error;
    } catch {
        return "The server does not answer.";
    }
}
