//! The operations of the API. What they need in routes and permissions stands here once.

use lambda_http::http::Method;
use serde::Serialize;

use crate::domain::Permission;

/// An operation of the contract; named as `operationId` in the API description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Operation {
    /// POST of a category.
    CreateCategory,
    /// GET of a customer's categories.
    ListCategories,
    /// GET of one category.
    GetCategory,
    /// PUT of one category.
    SetCategory,
    /// PATCH of one category.
    UpdateCategory,
    /// DELETE of one category.
    DeleteCategory,
    /// GET of a customer's history.
    ListCategoryHistory,
    /// POST of changes of many customers.
    ChangeCategories,
    /// POST of a definition.
    DefineCategory,
    /// GET of an organisation's definitions.
    ListDefinitions,
    /// GET of one definition.
    GetDefinition,
    /// PATCH of one definition.
    UpdateDefinition,
    /// DELETE of one definition.
    DeleteDefinition,
    /// GET of a catalogue's history.
    ListDefinitionHistory,
    /// GET of who carries a category.
    ListCarriers,
    /// GET of how many carry a category.
    CountCarriers,
}

/// What an operation is about, and so its route.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resource {
    Categories,
    CategoryHistory,
    Category,
    Batch,
    Definitions,
    DefinitionHistory,
    Definition,
    Carriers,
    CarrierCount,
}

impl Resource {
    const fn path(self) -> &'static str {
        match self {
            Self::Categories => "/v4/orgs/{org_id}/customers/{customer_id}/categories",
            Self::CategoryHistory => "/v4/orgs/{org_id}/customers/{customer_id}/categories/historical",
            Self::Category => "/v4/orgs/{org_id}/customers/{customer_id}/categories/{category_id}",
            Self::Batch => "/v4/orgs/{org_id}/customers/categories/batch",
            Self::Definitions => "/v4/orgs/{org_id}/categories",
            Self::DefinitionHistory => "/v4/orgs/{org_id}/categories/historical",
            Self::Definition => "/v4/orgs/{org_id}/categories/{category_id}",
            Self::Carriers => "/v4/orgs/{org_id}/categories/{category_id}/customers",
            Self::CarrierCount => "/v4/orgs/{org_id}/categories/{category_id}/customers/count",
        }
    }
}

impl Operation {
    /// Every operation that there is.
    pub const ALL: [Self; 16] = [
        Self::CreateCategory,
        Self::ListCategories,
        Self::GetCategory,
        Self::SetCategory,
        Self::UpdateCategory,
        Self::DeleteCategory,
        Self::ListCategoryHistory,
        Self::ChangeCategories,
        Self::DefineCategory,
        Self::ListDefinitions,
        Self::GetDefinition,
        Self::UpdateDefinition,
        Self::DeleteDefinition,
        Self::ListDefinitionHistory,
        Self::ListCarriers,
        Self::CountCarriers,
    ];

    /// The folder under `functions/` and the name of the binary.
    #[must_use]
    pub const fn function(self) -> &'static str {
        match self {
            Self::CreateCategory => "create-category",
            Self::ListCategories => "list-categories",
            Self::GetCategory => "get-category",
            Self::SetCategory => "set-category",
            Self::UpdateCategory => "update-category",
            Self::DeleteCategory => "delete-category",
            Self::ListCategoryHistory => "list-category-history",
            Self::ChangeCategories => "change-categories",
            Self::DefineCategory => "define-category",
            Self::ListDefinitions => "list-definitions",
            Self::GetDefinition => "get-definition",
            Self::UpdateDefinition => "update-definition",
            Self::DeleteDefinition => "delete-definition",
            Self::ListDefinitionHistory => "list-definition-history",
            Self::ListCarriers => "list-carriers",
            Self::CountCarriers => "count-carriers",
        }
    }

    const fn resource(self) -> Resource {
        match self {
            Self::CreateCategory | Self::ListCategories => Resource::Categories,
            Self::GetCategory | Self::SetCategory | Self::UpdateCategory | Self::DeleteCategory => {
                Resource::Category
            }
            Self::ChangeCategories => Resource::Batch,
            Self::ListCategoryHistory => Resource::CategoryHistory,
            Self::DefineCategory | Self::ListDefinitions => Resource::Definitions,
            Self::GetDefinition | Self::UpdateDefinition | Self::DeleteDefinition => Resource::Definition,
            Self::ListDefinitionHistory => Resource::DefinitionHistory,
            Self::ListCarriers => Resource::Carriers,
            Self::CountCarriers => Resource::CarrierCount,
        }
    }

    /// The HTTP method.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::CreateCategory | Self::ChangeCategories | Self::DefineCategory => Method::POST,
            Self::SetCategory => Method::PUT,
            Self::ListCategories
            | Self::GetCategory
            | Self::ListCategoryHistory
            | Self::ListDefinitions
            | Self::GetDefinition
            | Self::ListDefinitionHistory
            | Self::ListCarriers
            | Self::CountCarriers => Method::GET,
            Self::UpdateCategory | Self::UpdateDefinition => Method::PATCH,
            Self::DeleteCategory | Self::DeleteDefinition => Method::DELETE,
        }
    }

    /// What an API key has to allow.
    #[must_use]
    pub const fn permission(self) -> Permission {
        match self {
            Self::ListCategories
            | Self::GetCategory
            | Self::ListCategoryHistory
            | Self::ListDefinitions
            | Self::GetDefinition
            | Self::ListDefinitionHistory => Permission::Read,
            Self::CreateCategory
            | Self::SetCategory
            | Self::UpdateCategory
            | Self::DeleteCategory
            | Self::ChangeCategories => Permission::Write,
            Self::ListCarriers | Self::CountCarriers => Permission::Search,
            Self::DefineCategory | Self::UpdateDefinition | Self::DeleteDefinition => Permission::Define,
        }
    }

    /// Whether `If-Match` can make it conditional.
    #[must_use]
    pub fn is_conditional(self) -> bool {
        [Method::PUT, Method::PATCH, Method::DELETE].contains(&self.method())
    }

    /// Whether `If-None-Match` says something to it.
    #[must_use]
    pub fn takes_if_none_match(self) -> bool {
        self.reads_one_record() || self.method() == Method::PUT
    }

    /// Whether it answers with one record, whose `ETag` the caller may have already.
    #[must_use]
    pub const fn reads_one_record(self) -> bool {
        matches!(self, Self::GetCategory | Self::GetDefinition)
    }

    /// Whether a request has a body.
    #[must_use]
    pub fn takes_a_body(self) -> bool {
        [Method::POST, Method::PUT, Method::PATCH].contains(&self.method())
    }

    /// The route as API Gateway writes it.
    #[must_use]
    pub const fn path(self) -> &'static str {
        self.resource().path()
    }

    /// The methods that a path allows, as an `Allow` header lists them; `None` for an unknown path.
    #[must_use]
    pub fn allowed_on(path: &str) -> Option<String> {
        let matching = Self::ALL.into_iter().filter(|operation| matches(operation.path(), path));
        // As in API Gateway, a literal segment wins over a parameter.
        let route = matching.map(Self::path).min_by_key(|route| route.matches('{').count())?;
        let methods = Self::ALL.into_iter().filter(|operation| operation.path() == route).map(Self::method);
        Some(methods.map(|method| method.to_string()).collect::<Vec<_>>().join(", "))
    }
}

fn matches(route: &str, path: &str) -> bool {
    let is_parameter = |segment: &str| segment.starts_with('{');
    let (mut route, mut path) = (route.split('/'), path.split('/'));
    loop {
        match (route.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(sent))
                if expected == sent || (is_parameter(expected) && !sent.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_allow_the_methods_that_they_are_routed_for() {
        for (base, on_one) in [
            (
                "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories",
                "GET, PUT, PATCH, DELETE",
            ),
            ("/v4/orgs/telco/categories", "GET, PATCH, DELETE"),
        ] {
            let allowed = |rest: &str| Operation::allowed_on(&format!("{base}{rest}"));
            assert_eq!(allowed("").as_deref(), Some("POST, GET"));
            assert_eq!(allowed("/7").as_deref(), Some(on_one));
            assert_eq!(allowed("/historical").as_deref(), Some("GET"));
            assert_eq!(allowed("/"), None);
            assert_eq!(allowed("/7/8"), None);
        }
        let batch = Operation::allowed_on("/v4/orgs/telco/customers/categories/batch");
        assert_eq!(batch.as_deref(), Some("POST"));
        assert_eq!(Operation::allowed_on("/"), None);
    }
}
