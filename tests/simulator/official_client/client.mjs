// Subscribes with Microsoft's own client and prints each update as one line of JSON.
// Usage: node client.mjs URL TOKEN GAME_TYPE UPDATES direct|negotiate
import { HttpTransportType, HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

const [url, token, gameType, updates, way] = process.argv.slice(2);
const options = { accessTokenFactory: () => token, transport: HttpTransportType.WebSockets };
if (way === "direct") {
  options.skipNegotiation = true;
}

const connection = new HubConnectionBuilder()
  .withUrl(url, options)
  .configureLogging(LogLevel.Error)
  .build();

let missing = Number(updates);
const done = new Promise((resolve, reject) => {
  connection.on("WholeGamesInfoSubscribe", (update) => {
    if (missing > 0) {
      console.log(JSON.stringify(update));
      missing -= 1;
    }
    if (missing === 0) {
      resolve();
    }
  });
  connection.onclose((error) => reject(error ?? new Error("closed")));
});

await connection.start();
const wish = JSON.stringify({ GameType: Number(gameType), PartnerClientId: 1, Count: 1 });
await connection.send("Subscribe", "SubOnWholeGamesInfo", wish);
await done;
await connection.stop();
