import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql';
import type { GraphQLField, GraphQLOutputType, GraphQLSchema } from 'graphql';
import { createFakeClock } from '../../src/clock.ts';
import { createLinearStandIn } from '../../src/demo/linear/linear.ts';
import { SCHEMA } from '../../src/demo/linear/schema.ts';
import { SKIP_UNPUBLISHED, publishedSchema, startReceiver } from '../support/linear.ts';

suite('the stand-in for Linear beside its published schema', { skip: SKIP_UNPUBLISHED }, () => {
  test('every type, field, argument and enum has the published name and type', () => {
    const [published, own] = [publishedSchema(), buildSchema(SCHEMA)];
    for (const type of Object.values(own.getTypeMap())) {
      if (type.name.startsWith('__') || isSpecifiedScalarType(type)) continue;
      const theirs = published.getType(type.name);
      assert.equal(theirs?.constructor, type.constructor, type.name);
      if (isEnumType(type) && isEnumType(theirs)) {
        const names = (one: typeof type) => one.getValues().map(({ name }) => name);
        assert.deepEqual(names(type), names(theirs), type.name);
      }
      if (isUnionType(type) && isUnionType(theirs))
        assert.deepEqual(String(type.getTypes()), String(theirs.getTypes()));
      if (isObjectType(type) && isObjectType(theirs)) {
        for (const field of Object.values(type.getFields())) {
          const their: GraphQLField<unknown, unknown> | undefined = theirs.getFields()[field.name];
          assert.equal(String(their?.type), String(field.type), `${type.name}.${field.name}`);
          for (const { name, type: argument } of field.args) {
            const same = their?.args.find((one) => one.name === name);
            assert.equal(String(same?.type), String(argument), `${type.name}.${field.name}(${name})`);
          }
        }
      }
      if (isInputObjectType(type) && isInputObjectType(theirs)) {
        for (const field of Object.values(type.getFields())) {
          assert.equal(String(theirs.getFields()[field.name]?.type), String(field.type), `${type.name}.${field.name}`);
        }
        for (const field of Object.values(theirs.getFields()).filter(isRequiredInputField)) {
          assert.ok(type.getFields()[field.name], `${type.name}.${field.name} is required`);
        }
      }
    }
  });

  test('every webhook has the published shape', async (t) => {
    const published = publishedSchema();
    const receiver = await startReceiver();
    const linear = await createLinearStandIn({
      clock: createFakeClock(),
      webhook: { url: receiver.url, secret: 'lin_wh_secret' },
    });
    t.after(async () => {
      await linear.close();
      await receiver.close();
    });
    const label = linear.addLabel('bug');
    const issue = linear.createIssue({ title: 'Shapes', description: 'All of them.', labelIds: [label.id] });
    const session = linear.delegate(issue)!;
    linear.setState(issue, 'In Progress');
    linear.comment(linear.admin, issue, 'Hello.');
    linear.prompt(session, 'And this.');
    linear.stop(session);
    linear.comment(linear.admin, issue, '@chartroom look here');
    linear.remove(issue);
    await linear.webhooks.settled();
    const seen = new Set<string>();
    for (const { body } of receiver.received) {
      const type = String(body['type']);
      seen.add(`${type} ${String(body['action'])}`);
      if (type === 'AgentSessionEvent') {
        assert.deepEqual(mistakes(published, 'AgentSessionEventWebhookPayload', body), []);
        continue;
      }
      assert.deepEqual(mistakes(published, 'EntityWebhookPayload', { ...body, data: null, actor: null }), [
        'data: null',
      ]);
      assert.deepEqual(mistakes(published, `${type}WebhookPayload`, body['data']), []);
      const actor = body['actor'] as { type: string };
      const named = actor.type === 'user' ? 'UserActorWebhookPayload' : 'OauthClientActorWebhookPayload';
      assert.deepEqual(mistakes(published, named, actor), []);
    }
    assert.deepEqual(
      [...seen].toSorted((a, b) => a.localeCompare(b)),
      [
        'AgentSessionEvent created',
        'AgentSessionEvent prompted',
        'Comment create',
        'Issue create',
        'Issue remove',
        'Issue update',
      ],
    );
  });
});

/** Where a payload differs from a published object type: unknown fields, nulls and gaps that are not allowed. */
function mistakes(schema: GraphQLSchema, typeName: string, value: unknown, path = ''): string[] {
  const type = schema.getType(typeName);
  if (!isObjectType(type)) return [`${path}: no type ${typeName}`];
  const record = (value ?? {}) as Record<string, unknown>;
  const fields = type.getFields();
  const unknown = Object.keys(record).filter((name) => fields[name] === undefined);
  const wrong = Object.values(fields).flatMap(({ name, type: fieldType }) =>
    mistakesOf(schema, fieldType, record[name], path === '' ? name : `${path}.${name}`),
  );
  return [...unknown.map((name) => `${path === '' ? '' : `${path}.`}${name}: unknown`), ...wrong];
}

function mistakesOf(schema: GraphQLSchema, type: GraphQLOutputType, value: unknown, path: string): string[] {
  if (isNonNullType(type)) {
    if (value === null || value === undefined) return [`${path}: ${String(value)}`];
    return mistakesOf(schema, type.ofType, value, path);
  }
  if (value === null || value === undefined) return [];
  if (isListType(type)) {
    if (!Array.isArray(value)) return [`${path}: no list`];
    return value.flatMap((one, index) => mistakesOf(schema, type.ofType, one, `${path}.${index}`));
  }
  const named = getNamedType(type);
  if (isObjectType(named)) return mistakes(schema, named.name, value, path);
  const wanted = { String: 'string', Boolean: 'boolean', Float: 'number', DateTime: 'string' }[named.name];
  return wanted !== undefined && typeof value !== wanted ? [`${path}: ${typeof value}`] : [];
}
