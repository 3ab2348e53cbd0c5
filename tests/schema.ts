// A template held to the resource schemas that AWS publishes: what CloudFormation would refuse before it makes anything.
// Knows types, properties at any depth, what must be there, and references; not the rules between values.
import type { PropertyType, ResourceProperties, SpecDatabase } from '@aws-cdk/service-spec-types';
import type { Fields, Template } from './packaged.ts';

/** What CloudFormation would refuse: unknown types and properties, missing ones, wrong types, dangling references. */
export function problemsOf({ Resources }: Pick<Template, 'Resources'>, db: SpecDatabase): string[] {
  const resourceSpec = (type: string) => db.lookup('resource', 'cloudFormationType', 'equals', type)[0];

  const ofReference = (value: Fields, path: string): string[] => {
    const ref = value['Ref'];
    if (typeof ref === 'string' && !ref.startsWith('AWS::') && Resources[ref] === undefined) {
      return [`${path}: Ref to ${ref}, which is not in the template`];
    }
    const [id, attribute] = (value['Fn::GetAtt'] ?? []) as readonly string[];
    if (id === undefined || attribute === undefined) return [];
    const known = resourceSpec(Resources[id]?.Type ?? '')?.attributes ?? {};
    return attribute in known ? [] : [`${path}: ${id} has no attribute ${attribute}`];
  };

  const ofFields = (fields: Fields, known: ResourceProperties, path: string): string[] => [
    ...Object.entries(known).flatMap(([name, { required }]) =>
      required === true && fields[name] === undefined ? [`${path}.${name}: missing`] : [],
    ),
    ...Object.entries(fields).flatMap(([name, value]) => {
      const property = known[name];
      if (value === undefined) return [];
      return property === undefined
        ? [`${path}.${name}: no such property`]
        : ofValue(value, property.type, `${path}.${name}`);
    }),
  ];

  const ofValue = (value: unknown, type: PropertyType, path: string): string[] => {
    const wrong = [`${path}: not of type ${type.type}`];
    const fields = typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
    if (fields !== undefined && Object.keys(fields).some((key) => key === 'Ref' || key.startsWith('Fn::'))) {
      return ofReference(fields, path);
    }
    switch (type.type) {
      case 'ref':
        return fields === undefined
          ? wrong
          : ofFields(fields, db.get('typeDefinition', type.reference.$ref).properties, path);
      case 'array':
        if (!Array.isArray(value)) return wrong;
        return value.flatMap((element: unknown, i) => ofValue(element, type.element, `${path}[${i}]`));
      case 'map':
        if (fields === undefined) return wrong;
        return Object.entries(fields).flatMap(([key, element]) => ofValue(element, type.element, `${path}.${key}`));
      case 'union': {
        const attempts = type.types.map((candidate) => ofValue(value, candidate, path));
        return attempts.some((found) => found.length === 0) ? [] : (attempts[0] ?? []);
      }
      case 'json':
        return [];
      case 'number':
      case 'integer':
        return typeof value === 'number' ? [] : wrong;
      case 'boolean':
        return typeof value === 'boolean' ? [] : wrong;
      case 'string':
        if (typeof value !== 'string') return wrong;
        return type.allowedValues?.includes(value) === false ? [`${path}: ${value} is not allowed`] : [];
      case 'date-time':
      case 'null':
      case 'tag':
        return [`${path}: the check does not know ${type.type}`];
      default:
        return type satisfies never;
    }
  };

  return Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
    const known = resourceSpec(Type);
    return known === undefined ? [`${id}: no such resource type ${Type}`] : ofFields(Properties, known.properties, id);
  });
}
