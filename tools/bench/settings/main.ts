import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { requestOf, send } from '@operator/testing/fake-s3';
import { createSettingsServer } from '@operator/testing/settings-server';

// A server of bucket settings that costs next to nothing, on SETTINGS_PORT of loopback: see `createSettingsServer`.

const settings = createSettingsServer();
createServer((incoming, response) => {
  buffer(incoming).then(
    (body) => send(settings.respond(requestOf(incoming, body)), response),
    () => response.destroy(),
  );
}).listen(Number(process.env.SETTINGS_PORT), '127.0.0.1');
